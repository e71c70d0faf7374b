/**
 * The mock's rosters: read, replaced as a whole with the version that was seen, taken away; refused with every
 * problem at once, in the words of the hub. Invented like the rest of the mock.
 */
import { AREAS } from "./mock-work.mjs";

const iso = (ms) => new Date(ms).toISOString();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Local time, in minutes east of UTC. */
const UTC_OFFSET_MINUTES = 480;

/** The desk that the mock knows well; rosters of other areas are made in the console. */
export const DESK = "440605004";

export const makeRosters = () => ({
  [DESK]: {
    version: 1,
    roster: {
      area: DESK,
      leader: "boss",
      shifts: [
        {
          name: "白班",
          from: "08:00",
          until: "20:00",
          days: "every_day",
          first_day: "2026-11-01",
          turn_days: 1,
          crews: [{ officers: ["wang", "li"], shift_leader: "zhang" }],
        },
      ],
      substitutions: [],
      absences: [],
    },
  },
});

const nameOf = (area) => AREAS.find((each) => each.code === area)?.name ?? { zh: area, en: area };

const viewOf = (admin, area) => ({
  area_name: nameOf(area),
  updated_at: iso(0),
  updated_by: "boss",
  editable: true,
  ...admin.rosters[area],
});

/** What `hub/src/roster/check.rs` and `tasks.rs` would say of the most usual mistakes. */
function problemsOf(admin, roster) {
  const found = [];
  const shifts = roster.shifts ?? [];
  for (const [at, { name, crews }] of shifts.entries()) {
    if (shifts.findIndex((each) => each.name === name) < at) found.push(`two shifts are named \`${name}\``);
    for (const [number, { officers }] of crews.entries())
      if (officers.length === 0)
        found.push(`shift \`${name}\`: crew ${number + 1} has 0 officers; 1 to 20 are possible`);
  }
  const crews = shifts.flatMap((each) => each.crews);
  const named = crews.flatMap((crew) => [...crew.officers, crew.shift_leader]);
  const substitutes = (roster.substitutions ?? []).flatMap((each) => [each.of, each.by]);
  for (const name of new Set([...named, ...substitutes, roster.leader])) {
    if (!name) continue;
    const known = admin.people.some((each) => each.username === name && !each.disabled_at);
    if (!known) found.push(`there is no active user \`${name}\``);
  }
  return found;
}

/** The desks of rosters that were made in the console: whoever is named first is there, around the clock. */
function otherDesks(admin, now) {
  const others = Object.entries(admin.rosters).filter(([area]) => area !== DESK);
  return others.map(([area, { version, roster }]) => ({
    area,
    area_name: nameOf(area),
    roster_version: version,
    shift: null,
    missing: [],
    last_takeover: null,
    next_hand_over: null,
    on_duty: [],
    manned: false,
    gaps: (roster.shifts ?? []).length === 0 ? [{ from: iso(now), until: iso(now + 14 * DAY) }] : [],
  }));
}

function firstDesk(admin, now) {
  const armed = { armed: true, visible: true, seen_at: iso(now) };
  return {
    area: DESK,
    area_name: nameOf(DESK),
    shift: { name: "白班", from: admin.shiftFrom, until: iso(now + 6 * HOUR) },
    roster_version: admin.rosters[DESK].version,
    missing: admin.missing,
    last_takeover: admin.takeovers[0] ?? null,
    next_hand_over: { at: iso(now + 6 * HOUR), shift: "夜班", until: iso(now + 12 * HOUR), officers: ["li"] },
    on_duty: [
      { username: "officer", display_name: "李明", role: "officer", console: armed },
      { username: "wang", display_name: "王芳", role: "officer" },
      { username: "zhang", display_name: "张强", role: "shift_leader", console: armed },
    ],
    manned: true,
    gaps: [{ from: iso(now + 6 * HOUR), until: iso(now + 12 * HOUR) }],
  };
}

/** A read; undefined when it is none of the rosters'. */
export function readRosters(admin, path) {
  const now = Date.now();
  if (path === "/duty") {
    const first = Object.hasOwn(admin.rosters, DESK) ? [firstDesk(admin, now)] : [];
    return {
      items: [...first, ...otherDesks(admin, now)],
      utc_offset_minutes: UTC_OFFSET_MINUTES,
      next: null,
    };
  }
  const area = /^\/rosters\/([^/]+)$/.exec(path)?.[1];
  return area !== undefined && Object.hasOwn(admin.rosters, area) ? viewOf(admin, area) : undefined;
}

/** A change; undefined when it is none of the rosters'. */
export function writeRosters(admin, method, path, search, body, { reply, refuse }) {
  const area = /^\/rosters\/([^/]+)$/.exec(path)?.[1];
  if (area === undefined || !["PUT", "DELETE"].includes(method)) return undefined;
  const present = Object.hasOwn(admin.rosters, area) ? admin.rosters[area].version : 0;
  const given = method === "PUT" ? JSON.parse(body) : { version: Number(search.get("version")) };
  if (method === "DELETE" && present === 0) {
    refuse(404, "not-found", `there is no roster of the area \`${area}\``);
  } else if (given.version !== present) {
    const detail =
      present === 0
        ? "there is no roster any more; load the list again"
        : `the roster was changed by boss and is at version ${present}; load it again`;
    refuse(409, "version-conflict", detail);
  } else if (method === "DELETE") {
    delete admin.rosters[area];
    reply(204);
  } else {
    const problems = problemsOf(admin, given.roster);
    if (problems.length > 0) refuse(422, "invalid-request", problems.join("\n"));
    else {
      admin.rosters[area] = { version: present + 1, roster: given.roster };
      reply(200, viewOf(admin, area));
    }
  }
  return true;
}
