/**
 * What the mock answers for people's work: reports, evidence, the wall's figures, the map and the rates.
 * Invented like the rest of the mock; nothing here is in the build.
 */
import { createHash } from "node:crypto";
import { makeCase, SITES } from "./mock-data.mjs";
import { ended } from "./mock-loop.mjs";

const text = (zh, en) => ({ zh, en });
const iso = (ms) => new Date(ms).toISOString();
const HOUR = 3_600_000;

const square = (lon, lat, w, h) => ({
  type: "Polygon",
  coordinates: [
    [
      [lon, lat],
      [lon + w, lat],
      [lon + w, lat + h],
      [lon, lat + h],
      [lon, lat],
    ],
  ],
});

export const GRIDS = [
  {
    code: "440605004012003",
    name: text("第三网格", "Grid 3"),
    outline: square(113.144, 23.032, 0.009, 0.008),
  },
  {
    code: "440605004012007",
    name: text("第七网格", "Grid 7"),
    outline: square(113.135, 23.0255, 0.009, 0.0065),
  },
  {
    code: "440605004012009",
    name: text("第九网格", "Grid 9"),
    outline: square(113.1455, 23.0245, 0.008, 0.0065),
  },
  { code: "440605004012011", name: text("第十一网格", "Grid 11"), outline: null },
];

export const AREAS = [
  { code: "440605", level: "district", name: text("南海区", "Nanhai District") },
  { code: "440605004", parent: "440605", level: "street", name: text("桂城街道", "Guicheng Street") },
  {
    code: "440605004012",
    parent: "440605004",
    level: "community",
    name: text("桂园社区", "Guiyuan Community"),
  },
  ...GRIDS.map(({ code, name }) => ({ code, parent: "440605004012", level: "grid", name })),
];

const open = (hub) => [...hub.cases.values()].filter((found) => !ended(found) && !found.is_drill);
const worstOf = (cases) => cases.map((found) => found.severity).sort()[0] ?? null;

export function makeMap(hub) {
  const cases = open(hub);
  const at = (site) => cases.filter((found) => found.site.id === site);
  const inGrid = (code) =>
    cases.filter((found) => (hub.sites ?? SITES).find((site) => site.id === found.site.id)?.grid === code);
  return {
    version: 1,
    grids: GRIDS.map((grid) => {
      const mine = inGrid(grid.code);
      return { ...grid, worst: worstOf(mine), open_cases: mine.length };
    }),
    sites: (hub.sites ?? SITES)
      .filter((site) => typeof site.lat === "number")
      .map((site) => {
        const mine = at(site.id);
        const state = hub.gateways.get(site.gateway)?.state ?? "never_seen";
        return {
          id: site.id,
          name: site.name,
          lat: site.lat,
          lon: site.lon,
          worst: worstOf(mine),
          open_cases: mine.length,
          gateway: state,
          grid: site.grid,
        };
      }),
    hazards: hub.hazards ?? [
      {
        code: "hz-1",
        name: text("液化气站", "LPG station"),
        category: "gas_leak",
        domain: "chemical",
        grid: "440605004012003",
        datum: "wgs84",
        lat: 23.0335,
        lon: 113.1512,
      },
      {
        code: "hz-2",
        name: text("低洼涵洞", "Low underpass"),
        category: "flooding",
        domain: "flood",
        grid: "440605004012009",
        datum: "wgs84",
        lat: 23.0275,
        lon: 113.1475,
      },
    ],
    risk_areas: hub.riskAreas ?? RISK_AREAS,
    tiles: hub.tiles?.info ?? null,
  };
}

const RISK_AREAS = [
  ["ra-flood", "flood", "东侧低洼地带", "Low ground in the east", square(113.1425, 23.0235, 0.006, 0.009)],
  ["ra-chem", "chemical", "液化气站周边", "Around the LPG station", square(113.1488, 23.0322, 0.005, 0.004)],
  ["ra-fire", "fire", "城中村密集区", "Dense old village", square(113.136, 23.034, 0.006, 0.004)],
].map(([code, domain, zh, en, outline]) => ({ code, domain, name: text(zh, en), outline }));

/** Two people on duty: one who has said where they are, one who has not. */
export function makeWorkers(hub, now) {
  const mine = open(hub).filter((found) => found.unit?.code === "lihu-property");
  const tasks = mine.map(({ id, number, severity, state }) => ({ case: id, number, severity, state }));
  const until = iso(now + 4 * 3_600_000);
  const [first, second] = GRIDS;
  const items = hub.workers ?? [
    {
      username: "worker",
      display_name: "周伟",
      role: "handler",
      unit: text("丽湖物业", "Lihu property management"),
      area: first.code,
      area_name: first.name,
      until,
      place: { lat: 23.0312, lon: 113.1405, reported_at: iso(now - 7 * 60_000), accuracy_m: 12 },
      tasks,
      tasks_total: tasks.length,
    },
    {
      username: "checker",
      display_name: "吴霞",
      role: "checker",
      unit: null,
      area: second.code,
      area_name: second.name,
      until,
      place: { lat: 23.0362, lon: 113.1487, reported_at: null, accuracy_m: null },
      tasks: [],
      tasks_total: 0,
    },
  ];
  return { items, total: items.length };
}

/** A part of the file that a test has given as `hub.tiles`, as the hub gives it. */
export function sendTiles(hub, request, response, { refuse }) {
  if (!hub.tiles) return refuse(404, "not-found", "this hub has no map tiles");
  const { bytes } = hub.tiles;
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const first = Number(asked?.[1]);
  if (!asked || first >= bytes.length) {
    response.setHeader("Content-Range", `bytes */${bytes.length}`);
    return refuse(416, "range-needed", "ask for one part with Range");
  }
  const last = Math.min(bytes.length - 1, asked[2] === "" ? bytes.length - 1 : Number(asked[2]));
  response.writeHead(206, {
    "Content-Type": "application/vnd.pmtiles",
    "Content-Range": `bytes ${first}-${last}/${bytes.length}`,
    "Accept-Ranges": "bytes",
    ETag: `"${bytes.length}"`,
  });
  response.end(bytes.subarray(first, last + 1));
}

export function makeToday(hub, now, summaryOf) {
  const cases = open(hub);
  const count = (severity) => cases.filter((found) => found.severity === severity).length;
  const latest = [...cases].sort((a, b) => b.opened_at.localeCompare(a.opened_at)).slice(0, 8);
  const newest = hub.newest?.map((id) => hub.cases.get(id)) ?? latest;
  const closed = 27 + [...hub.cases.values()].filter(ended).length;
  return {
    made_at: iso(now),
    day: iso(now).slice(0, 10),
    today: figures({ reported: hub.cases.size + 31, closed }),
    month: figures({ reported: 1204, closed: 1131 }),
    open_by_severity: { P1: count("P1"), P2: count("P2"), P3: count("P3"), P4: count("P4") },
    overdue: cases.filter((found) => found.due_at && Date.parse(found.due_at) < now).length,
    yellow_cards: 2,
    red_cards: 1,
    rates: hub.rates ?? [
      { rate: "acknowledged_in_time", value: 0.982, target: 0.95, at_most: false, met: true },
      { rate: "handled_in_time", value: 0.957, target: 0.95, at_most: false, met: true },
      { rate: "closed_in_time", value: 0.914, target: 0.95, at_most: false, met: false },
      { rate: "rework", value: 0.033, target: 0.05, at_most: true, met: true },
    ],
    newest: newest.map(summaryOf),
  };
}

/** Every count that the hub gives; what the mock has no number for is none. */
const COUNTS = `reported drills merged duplicates rejected false_alarms acknowledged acknowledged_late
  unacknowledged filed dispatched handled handled_late handled_late_exempted handling_overdue closed
  closed_late closed_late_exempted closing_overdue forced forced_dispatched forced_filed reworked
  ever_handled reworks sent_back reopened extensions_asked extensions_granted suspensions_asked
  suspensions_granted appeals appeals_granted yellow_cards red_cards yellow_cards_given red_cards_given
  score score_given rated rating_sum`.split(/\s+/);

/** Counts and rates, and no times, as for cases that nobody has measured. */
const figures = (counts, rates = {}) => ({
  counts: { ...Object.fromEntries(COUNTS.map((name) => [name, 0])), ...counts },
  rates,
  times: Object.fromEntries(
    ["acknowledge", "close", "dispatch", "file", "handle"].map((name) => [name, { cases: 0 }]),
  ),
});

const rated = (reported, in_time, rework, yellow_cards, red_cards) =>
  figures(
    {
      reported,
      filed: reported - 3,
      closed: reported - 9,
      yellow_cards,
      red_cards,
      score: -5 * yellow_cards - 10 * red_cards,
    },
    {
      acknowledged_in_time: Math.min(1, in_time + 0.03),
      handled_in_time: in_time,
      closed_in_time: Math.max(0, in_time - 0.02),
      rework,
    },
  );

export function makeRates(what, search) {
  const from = search.get("from");
  const to = search.get("to");
  const whole = (items) => ({
    from,
    to,
    made_at: iso(Date.now()),
    total: rated(207, 0.92, 0.06, 4, 1),
    items,
    next: null,
  });
  const row = (key, name, ...given) => ({ key, name, ...rated(...given) });
  if (what === "units") {
    return whole([
      row("lihu-property", text("丽湖物业", "Lihu property management"), 64, 0.94, 0.05, 1, 0),
      row("fire", text("消防救援大队", "Fire and rescue"), 12, 1, 0, 0, 0),
      row("lihu-grid", text("丽湖网格站", "Lihu grid workers"), 131, 0.81, 0.12, 3, 1),
    ]);
  }
  if (what === "areas")
    return whole(GRIDS.map(({ code, name }, n) => row(code, name, 20 + n * 17, 0.97 - n * 0.05, 0.03, n, 0)));
  const days = [];
  for (let day = Date.parse(from); day <= Date.parse(to) && days.length < 31; day += 24 * HOUR) {
    const key = iso(day).slice(0, 10);
    days.push(row(key, text(key, key), 10, 0.92 + 0.05 * Math.sin(days.length * 1.3), 0.05, 0, 0));
  }
  return whole(days);
}

export function makeContacts(place) {
  if (place !== "hz-1") return { items: [] };
  return {
    items: [
      { place_kind: "hazard", place, order: 1, name: "刘站长", duty: "值班室", phone: "0757-0000 0001" },
    ],
  };
}

async function bytesOf(request, most) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > most) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A file of a case; the hash in the address must be the one of the bytes. */
export async function putEvidence(hub, [, id, sha256], request, user, { reply, refuse }) {
  const found = hub.cases.get(Number(id));
  const bytes = await bytesOf(request, 10 * 1024 * 1024);
  if (!found) return refuse(404, "not-found", "no such case");
  if (bytes === null) return refuse(413, "too-large", "at most 10 MiB");
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== sha256) return refuse(422, "hash-differs", "the bytes have another hash");
  found.files ??= new Map();
  if (!found.files.has(sha256)) {
    found.files.set(sha256, {
      sha256,
      name: `evidence-${found.files.size + 1}`,
      file: "there",
      media_type: request.headers["content-type"],
      bytes: bytes.length,
      stored_by: user.username,
      stored_at: new Date().toISOString(),
      body: bytes,
    });
  }
  hub.uploads.push({ id: Number(id), sha256 });
  const { body, ...file } = found.files.get(sha256);
  return reply(201, file);
}

const until = (hub, id, user) =>
  hub.reveals.filter((each) => each.id === id && each.by === user.username).at(-1)?.until ?? 0;

export function listEvidence(hub, id, user) {
  const found = hub.cases.get(id);
  const files = [...(found?.files?.values() ?? [])];
  const shown = until(hub, id, user);
  return {
    items: files.map(({ body, ...file }) => file),
    next: null,
    masked: found?.masked === true,
    revealed_until: shown > Date.now() ? iso(shown) : null,
  };
}

export function getEvidence(hub, [, id, sha256], response, user, { refuse }) {
  const found = hub.cases.get(Number(id));
  const file = found?.files?.get(sha256);
  if (!file) return refuse(404, "not-found", "no such file");
  if (found.masked && until(hub, Number(id), user) < Date.now())
    return refuse(403, "reveal-needed", "say why you must see it");
  response.writeHead(200, {
    "Content-Type": file.media_type,
    "Content-Disposition": "attachment",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  return response.end(file.body);
}

export function reveal(hub, id, body, user, { reply, refuse }) {
  if (body.what !== "evidence") return refuse(422, "invalid-request", "what is evidence or reporter");
  if (!body.reason?.trim()) return refuse(422, "reason-needed", "a reason is needed");
  const end = Date.now() + 600_000;
  hub.reveals.push({ id, reason: body.reason, by: user.username, until: end });
  return reply(201, { what: "evidence", until: iso(end) });
}

/** The report as the hub keeps it with its case. */
function viewOf(found, body, user) {
  return {
    id: `r${found.id}`,
    case: found.id,
    opened: true,
    source: "patrol",
    by: user.username,
    by_name: user.display_name,
    at: found.opened_at,
    category: found.category,
    category_name: found.category_name,
    description: body.description,
    site: found.site.id,
    place: body.place ?? {},
    photos: (body.photos ?? []).map(({ sha256, name, at }) => ({
      kind: "photo",
      sha256,
      name: name ?? "photo",
      at: at ?? found.opened_at,
    })),
  };
}

/** A matter that a person reports. */
export function report(hub, body, user, { reply, refuse }) {
  if (!body.category || !body.description?.trim())
    return refuse(422, "invalid-request", "category and description");
  if (!body.position && !body.site && !body.area) return refuse(422, "incomplete", "position, site or area");
  const known = ["category", "description", "site", "area", "position", "place", "photos", "reporter"];
  const strange = Object.keys(body).find((key) => !known.includes(key));
  if (strange) return refuse(422, "invalid-request", `unknown field ${strange}`);
  const found = hub.addReport(body, user);
  const nearby = open(hub).filter((other) => other.id !== found.id && other.category === body.category);
  const because = text("同类，24 小时内", "of the same kind, within 24 h");
  return reply(201, {
    case: hub.summaryOf(found),
    report: viewOf(found, body, user),
    nearby: nearby.map((other) => ({ case: hub.summaryOf(other), because })),
  });
}

/** The case that a report opens: without alerts, at its grid. */
export function caseOfReport(id, body, user, at) {
  const found = makeCase(
    id,
    {
      kind: "other",
      severity: "P3",
      site: "lihu",
      device: "-",
      place: body.place ?? {},
      reason: text("", ""),
    },
    at,
  );
  const area = AREAS.find((each) => each.code === body.area) ?? AREAS[1];
  return {
    ...found,
    category: body.category,
    category_name: text(body.category === "water_leak" ? "漏水" : "其他", body.category),
    title: text(body.description.slice(0, 30), body.description.slice(0, 30)),
    site: { id: area.code, name: area.name, known: false },
    kinds: [],
    devices: [],
    alerts: [],
    alert_count: 0,
    alerts_active: 0,
    transitions: [
      {
        ...found.transitions[0],
        actor: user.username,
        actor_name: user.display_name,
        reason: body.description,
      },
    ],
  };
}
