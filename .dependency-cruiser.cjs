/**
 * The floors of the design, checked: imports only go down, a folder is entered by its `index.ts` alone, no cycles.
 * `npm run floors`.
 */

/** Folders of src from the ground up; those on one floor may know each other, one way (cycles are refused below). */
const floors = [
  ['shape'],
  ['ir', 'reference'],
  ['autodiff', 'nn'],
  ['hrm', 'compile'],
  ['device', 'data'],
  ['train'],
  ['analysis'],
  ['cli', 'web'],
]

const any = (folders) => `^src/(${folders.join('|')})/`

const climbing = floors.slice(0, -1).map((folders, floor) => ({
  name: `floor-${floor + 1}-climbs`,
  comment: `${folders.join(' and ')} must not import what is built on them`,
  severity: 'error',
  from: { path: any(folders) },
  to: { path: any(floors.slice(floor + 1).flat()) },
}))

module.exports = {
  forbidden: [
    ...climbing,
    {
      name: 'new-folder-without-floor',
      comment: 'a folder of src must stand on a floor of .dependency-cruiser.cjs',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: any(floors.flat()) },
      to: {},
    },
    {
      name: 'past-the-face',
      comment: "a folder's index.ts is its face: import nothing else of it",
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/[^/]+/index[.]ts$'] },
    },
    {
      name: 'past-the-face-from-the-top',
      comment: "a folder's index.ts is its face: import nothing else of it",
      severity: 'error',
      from: { path: '^src/[^/]+[.]ts$' },
      to: { path: '^src/[^/]+/', pathNot: '^src/[^/]+/index[.]ts$' },
    },
    {
      name: 'kernels-know-only-types',
      comment: 'kernels/ makes text from plain values: of src it may use types only',
      severity: 'error',
      from: { path: '^kernels/' },
      to: { path: '^src/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'kernels-below-compile',
      comment: 'kernels/ stands below compile and must not know it, nor anything above',
      severity: 'error',
      from: { path: '^kernels/' },
      to: { path: any(floors.slice(3).flat()) },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'src-needs-no-dev-dependency',
      comment: 'what users run may need only `dependencies`',
      severity: 'error',
      from: { path: '^(src|kernels)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
}
