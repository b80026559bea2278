/**
 * What to do about a missing graphics driver: from what the machine is, a plan, as pure data. `scripts/setup.mjs` carries
 * plans out, `doctor` shows them. Must not touch the machine itself.
 *
 * Without a GPU, Mesa's lavapipe computes Vulkan on the processor. Debian 12 ships Mesa 22.3, which Dawn refuses; its
 * backports have 25.0.
 */

/** What a plan depends on; `machine.ts` reads it. */
export interface Machine {
  readonly platform: string
  /** The fields of /etc/os-release, e.g. `ID`, `VERSION_ID`, `VERSION_CODENAME`; empty elsewhere. */
  readonly osRelease: Readonly<Record<string, string>>
  /** How packages may be installed: as root, by `sudo` without a password, or not. */
  readonly privilege: 'root' | 'sudo' | 'none'
  readonly hasAptGet: boolean
  /** Texts of apt's source files, `.sources` and `.list`. */
  readonly aptSources: readonly string[]
  /** `VK_DRIVER_FILES` or `VK_ICD_FILENAMES`, as `NAME=value`, where set: then Vulkan looks nowhere else for drivers. */
  readonly driverOverride?: string
  /** Vulkan driver manifests, and the NVIDIA kernel driver's version line where it is loaded: for a person to read. */
  readonly drivers: readonly string[]
  /** An NVIDIA kernel driver is loaded. */
  readonly hasNvidia: boolean
}

/** A command: its words, and what it reads on standard input. */
export interface Command {
  readonly words: readonly string[]
  readonly stdin?: string
}

/**
 * Attempts are tried in turn until one works. An attempt is judged by its last command: `apt-get update` fails when any
 * one of a machine's sources does, which need not matter.
 */
export type DriverPlan =
  | { readonly kind: 'install'; readonly say: string; readonly attempts: readonly (readonly Command[])[] }
  | { readonly kind: 'advise'; readonly say: string; readonly commands: readonly string[] }

/** For a machine on which Dawn finds no adapter: install one, or what a person would have to do. */
export const driverPlan = (machine: Machine): DriverPlan => {
  switch (machine.platform) {
    case 'linux':
      return linuxPlan(machine)
    case 'darwin':
      return advise('macOS brings Metal with it: this looks like a virtual machine without graphics', [])
    case 'win32':
      return advise("Windows brings Direct3D 12 with it: update Windows and the graphics card's driver", [])
    default:
      return advise(`there is no WebGPU implementation for ${machine.platform}`, [])
  }
}

/** A command as one types it into a shell. */
export const showCommand = ({ words, stdin }: Command): string => {
  const typed = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ')
  return stdin === undefined ? typed : `printf '${stdin.replaceAll('%', '%%').replaceAll('\n', '\\n')}' | ${typed}`
}

const PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1']

const linuxPlan = (machine: Machine): DriverPlan => {
  if (machine.driverOverride !== undefined)
    return advise(`\`${machine.driverOverride}\` names no driver that works here: correct or unset it`, [])
  const ids = [machine.osRelease.ID ?? '', ...(machine.osRelease.ID_LIKE ?? '').split(' ')]
  if (ids.includes('debian') || ids.includes('ubuntu')) return debianPlan(machine)
  const lavapipe = 'install a Vulkan driver: your graphics card’s, or Mesa’s, which also computes on the processor'
  if (ids.includes('alpine'))
    return advise('Dawn is built for glibc, which Alpine has not: use a Debian or Ubuntu image', [])
  if (ids.includes('fedora') || ids.includes('rhel'))
    return advise(lavapipe, ['sudo dnf install -y mesa-vulkan-drivers vulkan-loader'])
  if (ids.includes('arch')) return advise(lavapipe, ['sudo pacman -S --needed vulkan-swrast vulkan-icd-loader'])
  if (ids.includes('suse') || ids.includes('opensuse'))
    return advise(lavapipe, ['sudo zypper install -y libvulkan_lvp libvulkan1'])
  return advise(`${lavapipe} (Mesa 23 or newer)`, [])
}

const debianPlan = (machine: Machine): DriverPlan => {
  const { ID, VERSION_ID } = machine.osRelease
  if (ID === 'debian' && Number(VERSION_ID) < 12)
    return advise(`Debian ${VERSION_ID} has no Mesa that Dawn accepts: use Debian 12 or newer`, [])
  const backports = ID === 'debian' && VERSION_ID === '12'
  const attempts = backports
    ? backportsAttempts(machine.aptSources)
    : [[{ words: [...APT, 'update'] }, { words: [...INSTALL, ...PACKAGES] }]]
  const what = `Mesa's Vulkan drivers (${PACKAGES.join(', ')}${backports ? ', from bookworm-backports' : ''})`
  if (!machine.hasAptGet || machine.privilege === 'none')
    return advise(
      `install ${what}; this needs root`,
      (attempts[0] ?? []).map((command) => showCommand(prefixed(['sudo'], command))),
    )
  const sudo = machine.privilege === 'sudo' ? ['sudo', '-n'] : []
  return {
    kind: 'install',
    say: `installing ${what} with apt-get`,
    attempts: attempts.map((attempt) => attempt.map((command) => prefixed(sudo, command))),
  }
}

const prefixed = (prefix: readonly string[], command: Command): Command => ({
  ...command,
  words: [...prefix, ...command.words],
})

const APT = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq']
const INSTALL = [...APT, 'install', '-y', '--no-install-recommends']

/** From the mirror in use; should that one have no backports, from Debian's own. */
const backportsAttempts = (aptSources: readonly string[]): readonly (readonly Command[])[] => {
  const install: readonly Command[] = [
    { words: [...APT, 'update'] },
    { words: [...INSTALL, '-t', 'bookworm-backports', ...PACKAGES] },
  ]
  if (aptSources.some((text) => /^[^#\n]*\bbookworm-backports\b/m.test(text))) return [install]
  const mirrors = [...aptSources.flatMap((text) => [...deb822Mirrors(text), ...listMirrors(text)]).slice(0, 1), DEBIAN]
  return mirrors
    .filter(({ uri }, i) => mirrors.findIndex((other) => other.uri === uri) === i)
    .map((mirror) => [
      { words: ['tee', '/etc/apt/sources.list.d/thetagrad-backports.sources'], stdin: backportsSource(mirror) },
      ...install,
    ])
}

const backportsSource = ({ uri, signedBy }: Mirror): string =>
  `Types: deb\nURIs: ${uri}\nSuites: bookworm-backports\nComponents: main\nSigned-By: ${signedBy ?? DEBIAN_KEY}\n`

const DEBIAN_KEY = '/usr/share/keyrings/debian-archive-keyring.gpg'
const DEBIAN = { uri: 'http://deb.debian.org/debian', signedBy: DEBIAN_KEY }

/** Where a machine gets its Debian packages, and the key it checks them with. */
interface Mirror {
  readonly uri: string
  readonly signedBy: string | undefined
}

/** Stanzas of `Field: value` lines, e.g. `URIs: http://deb.debian.org/debian`. */
const deb822Mirrors = (text: string): readonly Mirror[] =>
  text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(\\S.*)$`, 'im').exec(stanza)?.[1]?.trim()
    const uri = field('URIs')?.split(/\s+/)[0]
    const suites = field('Suites')?.split(/\s+/) ?? []
    if (uri === undefined || !suites.includes('bookworm') || /^no$/i.test(field('Enabled') ?? '')) return []
    return [{ uri, signedBy: field('Signed-By') }]
  })

/** One-line sources: `deb [signed-by=KEY] URI SUITE COMPONENT…`. */
const listMirrors = (text: string): readonly Mirror[] =>
  [...text.matchAll(/^[ \t]*deb[ \t]+(?:\[([^\]]*)\][ \t]+)?(\S+)[ \t]+bookworm[ \t]/gm)].map(([, options, uri]) => ({
    uri: uri ?? '',
    signedBy: /signed-by=(\S+)/.exec(options ?? '')?.[1],
  }))

const advise = (say: string, commands: readonly string[]): DriverPlan => ({ kind: 'advise', say, commands })
