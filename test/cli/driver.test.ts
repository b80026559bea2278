import { describe, expect, it } from 'vitest'
import { type DriverPlan, driverPlan, type Machine, showCommand } from '../../src/cli/driver.js'
import { parseOsRelease } from '../../src/cli/machine.js'

const debianSources = `# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
`
const bookworm: Machine = {
  platform: 'linux',
  osRelease: { ID: 'debian', VERSION_ID: '12', VERSION_CODENAME: 'bookworm' },
  privilege: 'root',
  hasAptGet: true,
  aptSources: [debianSources],
  drivers: [],
  hasNvidia: false,
}

/** The plan's commands as typed, the first attempt's where there are several. */
const shown = (plan: DriverPlan): readonly string[] =>
  plan.kind === 'advise' ? plan.commands : (plan.attempts[0] ?? []).map(showCommand)

describe('what to do where no graphics driver is found', () => {
  it('adds the backports of the mirror in use on Debian 12, then installs from them', () => {
    const plan = driverPlan(bookworm)
    expect(plan.kind).toBe('install')
    expect(plan.say).toContain('bookworm-backports')
    if (plan.kind !== 'install') return
    const [[source, ...rest] = [], second] = plan.attempts
    expect(source).toEqual({
      words: ['tee', '/etc/apt/sources.list.d/thetagrad-backports.sources'],
      stdin:
        'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: /keys/debian.gpg\n',
    })
    expect(rest.map(showCommand)).toEqual([
      'env DEBIAN_FRONTEND=noninteractive apt-get -qq update',
      'env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends -t bookworm-backports mesa-vulkan-drivers libvulkan1',
    ])
    expect(second?.[0]?.stdin).toContain('URIs: http://deb.debian.org/debian\n')
  })

  it('reads the mirror of one-line sources, skips disabled stanzas, and falls back to the usual mirror', () => {
    const uriOf = (aptSources: readonly string[]) => {
      const plan = driverPlan({ ...bookworm, aptSources })
      const source = plan.kind === 'install' ? plan.attempts[0]?.[0]?.stdin : undefined
      return /URIs: (\S+)\n[\s\S]*Signed-By: (\S+)\n/
        .exec(source ?? '')
        ?.slice(1)
        .join(' ')
    }
    const key = '/usr/share/keyrings/debian-archive-keyring.gpg'
    expect(uriOf(['deb http://one.example/debian bookworm main contrib\n'])).toBe(`http://one.example/debian ${key}`)
    expect(uriOf(['deb [arch=amd64 signed-by=/k.gpg] http://two.example/debian bookworm main\n'])).toBe(
      'http://two.example/debian /k.gpg',
    )
    expect(uriOf(['# deb http://no.example/debian bookworm main\n'])).toBe(`http://deb.debian.org/debian ${key}`)
    expect(uriOf([debianSources.replace('Types', 'Enabled: no\nTypes')])).toBe(`http://deb.debian.org/debian ${key}`)
  })

  it('does not add backports that are there already, unless they are commented out', () => {
    const withLine = (line: string) => shown(driverPlan({ ...bookworm, aptSources: [debianSources, line] })).length
    expect(withLine('deb http://mirror.example/debian bookworm-backports main\n')).toBe(2)
    expect(withLine('# deb http://mirror.example/debian bookworm-backports main\n')).toBe(3)
  })

  it('installs without backports on Ubuntu, Debian 13 and their children', () => {
    for (const osRelease of [
      { ID: 'ubuntu', ID_LIKE: 'debian', VERSION_ID: '24.04' },
      { ID: 'debian', VERSION_ID: '13' },
      { ID: 'linuxmint', ID_LIKE: 'ubuntu debian', VERSION_ID: '22' },
    ]) {
      const plan = driverPlan({ ...bookworm, osRelease })
      expect(plan.kind).toBe('install')
      expect(shown(plan).join('\n')).not.toContain('backports')
    }
  })

  it('goes through sudo where that asks no password, and only advises where it may not install', () => {
    const bySudo = driverPlan({ ...bookworm, privilege: 'sudo' })
    expect(bySudo.kind).toBe('install')
    expect(shown(bySudo).every((line) => /(^|\| )sudo -n /.test(line))).toBe(true)
    const advice = driverPlan({ ...bookworm, privilege: 'none' })
    expect(advice.kind).toBe('advise')
    expect(shown(advice).at(-1)).toMatch(/^sudo env .*apt-get -qq install/)
  })

  it('installs nothing where a variable hides the drivers that are there', () => {
    const plan = driverPlan({ ...bookworm, driverOverride: 'VK_DRIVER_FILES=/nonexistent' })
    expect(plan.kind).toBe('advise')
    expect(plan.say).toContain('`VK_DRIVER_FILES=/nonexistent`')
  })

  it('never installs on any other system, and always says something', () => {
    const others: readonly Machine[] = [
      { ...bookworm, osRelease: { ID: 'debian', VERSION_ID: '11' } },
      ...['alpine', 'fedora', 'arch', 'opensuse', 'nixos'].map((ID) => ({ ...bookworm, osRelease: { ID } })),
      ...['darwin', 'win32', 'freebsd'].map((platform) => ({ ...bookworm, platform, osRelease: {} })),
    ]
    for (const machine of others) {
      const plan = driverPlan(machine)
      expect(plan.kind).toBe('advise')
      expect(plan.say.length).toBeGreaterThan(20)
    }
    expect(shown(driverPlan({ ...bookworm, osRelease: { ID: 'fedora' } }))[0]).toMatch(/dnf install/)
  })

  it('reads os-release with and without quotes', () => {
    expect(parseOsRelease('ID=debian\nVERSION_ID="12"\nPRETTY_NAME=\'Debian 12\'\n')).toEqual({
      ID: 'debian',
      VERSION_ID: '12',
      PRETTY_NAME: 'Debian 12',
    })
  })
})
