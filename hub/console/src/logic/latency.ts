/** Latencies for people. Pure. */

/** Seconds with two digits, such as `0.12 s`; null when it is not known. */
export function seconds(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : `${(ms / 1000).toFixed(2)} s`;
}
