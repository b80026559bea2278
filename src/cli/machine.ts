/** Reads what `driver.ts` needs to know of the machine we run on. Changes nothing. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from './driver.js'

export const readMachine = (): Machine => ({
  platform: process.platform,
  osRelease: parseOsRelease(textOf('/etc/os-release')),
  privilege: privilege(),
  hasAptGet: succeeds('apt-get', ['--version']),
  aptSources: aptSourceFiles().map(textOf),
  ...driverOverride(),
  drivers: [...vulkanManifests(), ...textOf(NVIDIA).split('\n').slice(0, 1)].filter((line) => line !== ''),
  hasNvidia: existsSync(NVIDIA),
})

const NVIDIA = '/proc/driver/nvidia/version'

/** Where Vulkan's loader on Linux looks for drivers. */
const vulkanManifests = (): readonly string[] => {
  const override = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES
  if (override !== undefined) return override.split(':')
  return ['/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/usr/share/vulkan/icd.d'].flatMap((folder) =>
    filesOf(folder).map((name) => join(folder, name)),
  )
}

const filesOf = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])

/** `NAME="value"` lines. */
export const parseOsRelease = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/gm)].map(([, name, double, single, plain]) => [
      name,
      double ?? single ?? plain ?? '',
    ]),
  )

const driverOverride = (): Pick<Machine, 'driverOverride'> => {
  const name = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((variable) => process.env[variable] !== undefined)
  return name === undefined ? {} : { driverOverride: `${name}=${process.env[name]}` }
}

const privilege = (): Machine['privilege'] => {
  if (process.getuid?.() === 0) return 'root'
  return process.platform !== 'win32' && succeeds('sudo', ['-n', 'true']) ? 'sudo' : 'none'
}

const aptSourceFiles = (): readonly string[] => {
  const folder = '/etc/apt/sources.list.d'
  return [
    '/etc/apt/sources.list',
    ...filesOf(folder)
      .filter((name) => /\.(sources|list)$/.test(name))
      .map((name) => join(folder, name)),
  ]
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // absent on this system, or not ours to read: either way it tells us nothing
  }
}

const succeeds = (program: string, words: readonly string[]): boolean =>
  spawnSync(program, words, { stdio: 'ignore' }).status === 0
