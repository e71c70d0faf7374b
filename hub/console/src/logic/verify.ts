/** How far the reading of a chain of hashes has come, put together from the parts that the hub reads. */
import type { Schemas } from "../data/types";

export type VerifyStep = Schemas["VerifyStep"];
export type Chain = "audit" | "cases";

export interface Progress {
  verdict: VerifyStep["verdict"];
  /** Entries that were read and fit. */
  checked: number;
  /** How many there are. */
  links: number;
  firstAt: string | null;
  lastAt: string | null;
  /** Signed heads that were compared. */
  heads: number;
  /** Hash of the newest entry. */
  hash: string;
  broken: VerifyStep["broken"] | null;
}

/** The parts before and one more. */
export function joined(before: Progress | null, step: VerifyStep): Progress {
  return {
    verdict: step.verdict,
    checked: (before?.checked ?? 0) + step.checked,
    links: step.head.links,
    firstAt: before?.firstAt ?? step.first_at ?? null,
    lastAt: step.last_at ?? before?.lastAt ?? null,
    heads: (before?.heads ?? 0) + step.heads,
    hash: step.head.hash,
    broken: step.broken ?? null,
  };
}
