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
  hasNvidia: existsSync('/proc/driver/nvidia/version'),
})

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
  const files = existsSync(folder) ? readdirSync(folder).sort() : []
  return [
    '/etc/apt/sources.list',
    ...files.filter((name) => /\.(sources|list)$/.test(name)).map((name) => join(folder, name)),
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
