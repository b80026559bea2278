/**
 * Makes a fresh machine ready, then gets out of the way: run before `npm run demo` and `npm test`. It installs the
 * dependencies, builds `dist`, and finds or installs a graphics driver, each only when it is missing, saying so first.
 * When everything is there it takes well under a second. Runs before node_modules exists, so it imports only Node.
 *
 * `THETAGRAD_NO_INSTALL=1` keeps it from installing system packages: then it only says what to install.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const inRoot = (/** @type {string[]} */ ...path) => join(root, ...path)
const say = (/** @type {string} */ line) => process.stderr.write(`set-up: ${line}\n`)

/** @type {(what: string, why: string, fix: string) => never} */
const giveUp = (what, why, fix) => {
  process.stderr.write(`set-up: ${what}\n  why: ${why}\n  fix: ${fix}\n`)
  process.exit(1)
}

const checkNode = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  giveUp(
    `Node ${process.versions.node} is too old`,
    'thetagrad needs Node 20.19 or newer',
    'install it from https://nodejs.org',
  )
}

/** Every package that the lock file asks of this platform is installed in that version. */
const dependenciesFresh = () => {
  const installed = inRoot('node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8')).packages
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || (have[path]?.version ?? (optional ? version : '')) === version,
  )
}

const installDependencies = () => {
  if (dependenciesFresh()) return
  say('installing the dependencies (npm ci)')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  giveUp(
    'the dependencies could not be installed',
    'npm ci failed; its reason stands above (most often: no network)',
    'mend that and run the same command again',
  )
}

/** Sources by path, size and time: what `dist` was built from. */
const sourceStamp = () => {
  const files = ['src', 'kernels'].flatMap((folder) =>
    readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  )
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => inRoot(name))
  return [...files, ...settings]
    .sort()
    .map((file) => `${file.slice(root.length)} ${statSync(file).size} ${statSync(file).mtimeMs}`)
    .join('\n')
}

const build = () => {
  const stampFile = inRoot('dist', '.sources')
  const before = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : ''
  const now = sourceStamp()
  if (before === now) return
  say(before === '' ? 'building dist' : 'the sources have changed: building dist')
  // A file that is gone from the sources must not live on in dist.
  const paths = (/** @type {string} */ stamp) => stamp.split('\n').map((line) => line.split(' ')[0])
  const remaining = new Set(paths(now))
  if (!paths(before).every((path) => remaining.has(path))) rmSync(inRoot('dist'), { recursive: true, force: true })
  const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', inRoot('tsconfig.build.json')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0)
    giveUp(
      'dist could not be built',
      'the sources do not type-check; the errors stand above',
      'mend them and run the same command again',
    )
  // npm marks a command as executable when it links it, which was before it was built.
  chmodSync(inRoot('dist', 'src', 'cli', 'main.js'), 0o755)
  writeFileSync(stampFile, now)
}

const moduleUrl = (/** @type {string} */ path) => pathToFileURL(inRoot('dist', 'src', path)).href

/** Asks Dawn in a process of its own: a broken driver can crash it, and a driver installed just now needs a new one. */
const adapterName = () => {
  const code = `
    import { listAdapters } from ${JSON.stringify(moduleUrl('device/index.js'))}
    const found = await listAdapters()
    process.stdout.write(found._tag === 'Right' ? found.right[0].description || found.right[0].device : '')
    process.exit(0)`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
  })
  return stdout
}

/** @type {(attempt: readonly import('../src/cli/driver.js').Command[]) => boolean} */
const succeeds = (attempt) => {
  let status = null
  for (const { words, stdin } of attempt) {
    say(`$ ${words.join(' ')}`)
    const [program = '', ...rest] = words
    status = spawnSync(program, rest, { input: stdin ?? '', stdio: ['pipe', 2, 2] }).status
  }
  return status === 0
}

const FALLBACK = 'Going on with the reference interpreter, which needs no driver but is slow.'

const findDriver = async () => {
  if (adapterName() !== '') return
  say('no graphics adapter that WebGPU can use was found')
  const { driverPlan } = await import(moduleUrl('cli/driver.js'))
  const { readMachine } = await import(moduleUrl('cli/machine.js'))
  const machine = readMachine()
  const mayInstall = process.env.THETAGRAD_NO_INSTALL === undefined
  /** @type {import('../src/cli/driver.js').DriverPlan} */
  const plan = driverPlan(mayInstall ? machine : { ...machine, privilege: 'none' })
  if (plan.kind === 'advise') {
    for (const line of [plan.say, ...plan.commands.map((command) => `  $ ${command}`), FALLBACK]) say(line)
    return
  }
  say(plan.say)
  const installed = plan.attempts.some(succeeds)
  const name = adapterName()
  if (name !== '') return say(`found ${name}`)
  say(
    installed
      ? 'the driver is installed, yet WebGPU finds no adapter: `npx thetagrad doctor` tells more'
      : 'the driver could not be installed; the reason stands above (most often: no network)',
  )
  say(FALLBACK)
}

checkNode()
installDependencies()
build()
await findDriver()
