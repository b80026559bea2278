/** An expected failure as a value: what went wrong, where, why, and how to mend it. The command line prints these and exits 1. */
export interface Problem {
  /** One sentence: what is wrong, with the offending value. */
  readonly what: string
  /** File, line or field. */
  readonly where?: string
  readonly why?: string
  /** What to do about it. */
  readonly fix?: string
}

export const problem = (what: string, rest: Omit<Problem, 'what'> = {}): Problem => ({ what, ...rest })

/** The problem as a person reads it, one fact a line. */
export const showProblem = (p: Problem): string =>
  [p.where === undefined ? p.what : `${p.where}: ${p.what}`, p.why && `  why: ${p.why}`, p.fix && `  fix: ${p.fix}`]
    .filter((line) => line !== undefined && line !== '')
    .join('\n')
