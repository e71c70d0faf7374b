/** The mock's chains of hashes: how long they are and where they are broken, read part by part as the hub does. */

/** The hub reads 50,000 at once; fewer here, so that a page shows how far it is. */
const PART = 5_000;
const DAY = 86_400_000;

const text = (zh, en) => ({ zh, en });

export const makeChains = () => ({
  audit: { links: 12_345, heads: 96, broken: null },
  cases: { links: 3_210, heads: 96, broken: null },
});

/** An entry that was changed, as the hub tells of it. */
export const changedAt = (link) => ({
  kind: "changed",
  link,
  case: 3,
  at: new Date(Date.now() - DAY).toISOString(),
  what: text(
    `第 ${link} 条与校验值不符：内容或位置被改动过`,
    `entry ${link} does not fit its hash: what it says or its place was changed`,
  ),
  advice: text(
    "请保护现场：不要改动数据库，立即另存一份副本，与备份逐条比对，并按制度上报",
    "leave the database as it is, take a copy at once, compare it with a backup entry by entry, and report it as your rules say",
  ),
});

const MAY = ["auditor", "administrator"];

/** `POST /audit/verify`. */
export function verify(chains, asked, user, { reply, refuse }) {
  if (!MAY.includes(user.role)) return refuse(403, "not-allowed", "the chains are read by auditors");
  if (!Object.hasOwn(chains, asked.chain))
    return refuse(422, "invalid-request", "`chain` is `audit` or `cases`");
  const { links, heads, broken } = chains[asked.chain];
  const after = Number(asked.after ?? 0);
  if (!(after >= 0 && after <= links)) return refuse(422, "invalid-request", "the chain ends before `after`");
  if (asked.heads && !asked.heads.trim().startsWith("{"))
    return refuse(
      422,
      "invalid-request",
      "`heads` are not signed heads as a parent hub or a webhook got them",
    );
  const part = Math.min(after + PART, links);
  const breaks = broken !== null && broken.link <= part;
  const through = breaks ? broken.link - 1 : part;
  const verdict = breaks ? "broken" : through === links ? "whole" : "goes_on";
  const now = Date.now();
  const time = (link) => new Date(now - (links - link + 1) * 60_000).toISOString();
  return reply(200, {
    chain: asked.chain,
    verdict,
    after,
    through,
    checked: through - after,
    ...(through > after ? { first_at: time(after + 1), last_at: time(through) } : {}),
    head: { links, hash: "5f".repeat(32) },
    heads: Math.floor((heads * (through - after)) / links),
    ...(breaks ? { broken } : {}),
    next: verdict === "goes_on" ? String(through) : null,
  });
}
