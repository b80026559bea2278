/** Where the puzzles and other material shared by the project lie: `THETAGRAD_SHARED`, default `../shared`. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const sharedFile = (path: string): string => join(resolve(process.env.THETAGRAD_SHARED ?? '../shared'), path)
export const hasShared = (path: string): boolean => existsSync(sharedFile(path))

/** An archive of the shared data, unpacked by the system into a folder of its own in this one. */
export const unpackShared = (archive: string, folder: string): string => {
  const path = join(folder, archive.replaceAll('/', '-'))
  mkdirSync(path)
  execFileSync('tar', ['xzf', sharedFile(`data/${archive}.tar.gz`), '-C', path])
  return path
}

/** Rows of a Sudoku list, read without the code under test. */
export const sharedSudoku = (name: string) =>
  readFileSync(sharedFile(`data/sudoku/${name}`), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [, question, answer, rating] = line.split(',') as [string, string, string, string]
      const digits = (cells: string) => Array.from(cells, (c) => (c === '.' ? 0 : Number(c)))
      return { question: digits(question), answer: digits(answer), rating: Number(rating) }
    })
