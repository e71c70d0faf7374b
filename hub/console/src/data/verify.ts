/** The chains of hashes, read by the hub part by part. */
import { type Chain, joined, type Progress, type VerifyStep } from "../logic/verify";
import { ApiError, request } from "./http";

/** The hub reads for up to 5 s; a large file of heads takes its time on the way. */
const TIMEOUT_MS = 60_000;
/** While somebody else's part is being read, this one is asked for again so often. */
const BUSY_TRIES = 10;
/** So long between, when the hub does not say. */
const BUSY_WAIT_S = 2;
/** A file with more than this is refused by the hub, which takes 8 MiB with its quotes escaped. */
export const HEADS_BYTES_MAX = 6_000_000;

/** One part. Reading changes nothing, so asking again is safe. */
async function readPart(chain: Chain, after: string | null, heads: string): Promise<VerifyStep> {
  const body = { chain, ...(after === null ? {} : { after }), ...(heads === "" ? {} : { heads }) };
  for (let turn = 1; ; turn++) {
    try {
      return await request<VerifyStep>("POST", "/audit/verify", body, { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      const busy = error instanceof ApiError && error.code === "busy";
      if (!busy || turn === BUSY_TRIES) throw error;
      await new Promise((then) => setTimeout(then, (error.retryAfterS ?? BUSY_WAIT_S) * 1000));
    }
  }
}

/** Reads a chain to its end or its first break; `tell` hears of every part, and says whether to go on. */
export async function readChain(
  chain: Chain,
  heads: string,
  tell: (progress: Progress) => boolean,
): Promise<void> {
  let progress: Progress | null = null;
  let after: string | null = null;
  do {
    const step: VerifyStep = await readPart(chain, after, heads);
    progress = joined(progress, step);
    after = step.next ?? null;
  } while (tell(progress) && after !== null);
}
