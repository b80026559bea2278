import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { diagnose, doctor, type Findings, showReport } from '../../src/cli/doctor.js'
import type { AdapterDescription } from '../../src/device/index.js'
import { problem, showProblem } from '../../src/problem.js'
import { withDevice } from '../support/run-kernel.js'

const lavapipe: AdapterDescription = {
  vendor: 'mesa',
  architecture: 'software',
  device: 'llvmpipe',
  description: 'llvmpipe: Mesa 25.0.7',
  adapterClass: 'software',
  features: ['subgroups', 'timestamp-query'],
  limits: { maxBufferSize: 2 ** 31, maxComputeWorkgroupSizeX: 1024 },
}
const findings: Findings = {
  machine: {
    platform: 'linux',
    osRelease: { ID: 'debian', VERSION_ID: '12' },
    privilege: 'none',
    hasAptGet: true,
    aptSources: [],
    drivers: ['/usr/share/vulkan/icd.d/lvp_icd.json'],
    hasNvidia: false,
  },
  versions: { platform: 'linux x64', node: '20.19.0', webgpu: '0.6.2' },
  adapters: E.right([lavapipe]),
  selfTest: E.right(12.3),
}

describe('doctor', () => {
  it('says what a working adapter is and what it lacks', () => {
    const report = diagnose(findings)
    expect(report.computesOn).toBe('software')
    expect(report.problems).toEqual([])
    const text = showReport(report)
    expect(text).toContain('adapter 1 (in use): llvmpipe: Mesa 25.0.7')
    expect(text).toContain('yes subgroups')
    expect(text).toContain('no  shader-f16')
    expect(text).toContain('maxBufferSize: 2.00 GiB')
    expect(text).toContain('maxComputeWorkgroupSizeX: 1024\n')
    expect(text).toContain('self-test passed in 12 ms')
    expect(text).toContain('train --precision f16: by rounding only')
  })

  it('says whether matrix units are used, and why not', () => {
    const matrix = { m: 16, n: 16, k: 16, subgroupSize: 32, asksForSize: false }
    const gpu: AdapterDescription = { ...lavapipe, adapterClass: 'gpu', features: ['shader-f16'], matrix }
    const text = (found: Partial<Findings>) => showReport(diagnose({ ...findings, adapters: E.right([gpu]), ...found }))
    expect(text({ matrix: { isUsable: true } })).toContain('f16: on matrix units of 16×16×16 (self-test passed)')
    const failed = text({ matrix: { isUsable: false, why: 'the self-test was ended by SIGSEGV' } })
    expect(failed).toContain(
      'train --precision f16: in WGSL’s f16\nmatrix units are left unused: the self-test was ended',
    )
    expect(text({ adapters: E.right([{ ...lavapipe, adapterClass: 'gpu' }]) })).toContain('f16: no: the adapter lacks')
  })

  it('without an adapter names the commands that bring one, and falls back to the reference interpreter', () => {
    const { selfTest: _, ...rest } = findings
    const report = diagnose({ ...rest, adapters: E.left(problem('no adapter', { why: 'no driver answered' })) })
    expect(report.computesOn).toBe('reference')
    expect(report.problems.map(showProblem).join('\n')).toMatch(
      /why: no driver answered\n {2}fix: .*needs root\n {4}\$ printf '.*' \| sudo tee .*\n.*update\n.*apt-get -qq install .*bookworm-backports mesa-vulkan-drivers/,
    )
    expect(showReport(report)).toContain('computes on: the reference interpreter')
  })

  it('does not trust an adapter that fails its self-test', () => {
    const report = diagnose({ ...findings, selfTest: E.left(problem('the adapter computes wrong numbers')) })
    expect(report.computesOn).toBe('reference')
    expect(showReport(report)).toContain('the adapter computes wrong numbers')
  })

  it('notices an NVIDIA GPU that Vulkan does not see', () => {
    const machine = { ...findings.machine, hasNvidia: true }
    expect(diagnose({ ...findings, machine }).problems.map(({ what }) => what)).toEqual([
      'there is an NVIDIA GPU, but Vulkan does not see it',
    ])
    const seen: AdapterDescription = { ...lavapipe, vendor: 'nvidia', adapterClass: 'gpu' }
    expect(diagnose({ ...findings, machine, adapters: E.right([seen, lavapipe]) }).problems).toEqual([])
  })

  it(
    'finds the very adapter that the tests run on, and it computes',
    withDevice(async (device) => {
      const report = await doctor()
      expect(report.adapters[0]).toEqual(device.description)
      expect(report.computesOn).toBe(device.target.adapterClass)
      expect(report.selfTestMs).toBeGreaterThan(0)
    }),
  )
})
