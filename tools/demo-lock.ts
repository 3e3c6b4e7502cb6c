/** What the root's package-lock.json says about a package, as far as it matters here. */
interface LockedPackage {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

type Packages = Readonly<Record<string, LockedPackage>>

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

const FOLDER = 'node_modules/'

/** Returns `demo/package.json` with the versions of the root's lock file, exactly. */
export function renderDemoManifest (manifestText: string, rootLock: string): string {
  const manifest = JSON.parse(manifestText) as Manifest
  const packages = readPackages(rootLock)
  const dependencies = Object.fromEntries(Object.keys(manifest.dependencies).sort().map(
    (name) => [name, lockedAt(packages, FOLDER + name).version]
  ))
  return render({ ...manifest, dependencies })
}

/**
 * Returns `demo/package-lock.json`: the part of the root's lock file that the dependencies of
 * `demo/package.json` lead to. Paths stay as they are, so each package finds what it found there.
 */
export function renderDemoLock (manifestText: string, rootLock: string): string {
  const { name, version, dependencies } = JSON.parse(manifestText) as Manifest
  const packages = readPackages(rootLock)
  const paths = new Set<string>()
  const add = (path: string): void => {
    if (paths.has(path)) return
    paths.add(path)
    for (const needed of neededBy(packages, path)) add(needed)
  }
  for (const dependency of Object.keys(dependencies)) add(FOLDER + dependency)
  const locked = [...paths].sort().map((path) => [path, withoutDev(lockedAt(packages, path))])
  return render({
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: { '': { name, version, dependencies }, ...Object.fromEntries(locked) }
  })
}

function readPackages (rootLock: string): Packages {
  return (JSON.parse(rootLock) as { packages: Packages }).packages
}

function lockedAt (packages: Packages, path: string): LockedPackage {
  const found = packages[path]
  if (found === undefined) throw new Error(`package-lock.json has no ${path}`)
  return found
}

/** Returns the paths of what a package needs, found as Node finds them: from its folder upwards. */
function neededBy (packages: Packages, path: string): string[] {
  const { dependencies, peerDependencies, optionalDependencies, peerDependenciesMeta = {} } =
    lockedAt(packages, path)
  const names = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })
  return names.flatMap((name) => {
    const found = foldersAbove(path).map((folder) => folder + FOLDER + name).find((one) => packages[one])
    if (found !== undefined) return [found]
    const isOptional = optionalDependencies?.[name] ?? peerDependenciesMeta[name]?.optional
    if (isOptional !== undefined) return []
    throw new Error(`package-lock.json has no ${name} for ${path}`)
  })
}

/** `node_modules/a/node_modules/b` → itself, `node_modules/a/`, and the root. */
function foldersAbove (path: string): string[] {
  const parts = path.split(`/${FOLDER}`)
  return [...parts.map((_part, index) => `${parts.slice(0, parts.length - index).join(`/${FOLDER}`)}/`), '']
}

/** They are dev dependencies of the root, and dependencies of the demo. */
function withoutDev (locked: LockedPackage): object {
  return Object.fromEntries(Object.entries(locked).filter(([name]) => name !== 'dev' && name !== 'funding'))
}

function render (value: unknown): string {
  return JSON.stringify(value, undefined, 2) + '\n'
}
