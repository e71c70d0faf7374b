/**
 * More than 200 hostile texts in every field that a device, a gateway or a person fills, on every page: each
 * is shown as the text that it is, nothing comes of it, nothing leaves the hub, and the page stays as wide as
 * the window. First against the simulated hub, which lets everything through; then through a real hub's intake.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { levelled } from "../src/logic/marks.js";
import { closeBrowser, MOCK_ONLY, NARROW, openBrowser, openHub, openPage, signIn } from "./browser.mjs";
import { startFront } from "./front.mjs";
import { both, HOSTILE, HOSTILE_TEXTS } from "./hostile.mjs";
import { hubProgram, OFFICER_PASSWORD, startHub } from "./hub.mjs";

before(openBrowser);
after(closeBrowser);

const now = () => new Date().toISOString();
/** Field `field` of case `turn`: over all turns every field has every text once. */
const pick = (texts, turn, field) => texts[(turn + field * 29) % texts.length];

/** A page that also writes to its console what the content security policy has stopped. */
async function watched(url) {
  const opened = await openPage(url, { viewport: NARROW });
  await opened.page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return opened;
}

/** From here on every error that the browser writes to its console is a fault. */
function watchConsole(page, faults) {
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`the browser says: ${message.text()}`);
  });
}

/**
 * Opens `path` (null: looks at what is there) and waits until there are `rows` (`[selector, at least]`) and every
 * text of `wanted` is shown as it is written; gives everything that is wrong with the page.
 */
function look(page, path, wanted, rows = null) {
  // As JSON, which keeps half surrogate pairs that the way into the page would lose.
  return page.evaluate(
    async ([to, json, rows]) => {
      if (to !== null) {
        history.pushState(null, "", to);
        dispatchEvent(new PopStateEvent("popstate"));
      }
      // Each as it is written and as it is with its piles of marks cut.
      const wanted = JSON.parse(json);
      const shown = () => {
        const filled = [...document.querySelectorAll("input, textarea")].map((each) => each.value);
        return [document.body.textContent, ...filled].join("\n");
      };
      const end = performance.now() + 20_000;
      const lacking = () => {
        const all = shown();
        return wanted.filter(([text, cut]) => !all.includes(text) && !all.includes(cut));
      };
      const there = () => rows === null || document.querySelectorAll(rows[0]).length >= rows[1];
      let left = there() ? lacking() : wanted;
      while ((!there() || left.length > 0) && performance.now() < end) {
        await new Promise(requestAnimationFrame);
        if (there()) left = lacking();
      }
      const where = to ?? location.pathname;
      const faults = there() ? [] : [`${where}: fewer than ${rows[1]} ${rows[0]}`];
      if (left.length > 0) {
        const first = JSON.stringify(left[0][0].slice(0, 80));
        faults.push(`${where}: ${left.length} texts not shown as written, the first: ${first}`);
      }
      const odd =
        "iframe, object, embed, base, math, marquee, portal, plaintext, xmp, isindex, foreignObject, use, animate, set, body style, body meta, body script:not([src^='/'])";
      for (const each of document.querySelectorAll(odd))
        faults.push(`${where}: a <${each.localName}> was made`);
      for (const each of document.querySelectorAll("body *")) {
        for (const { name, value } of each.attributes) {
          const leads = ["href", "xlink:href", "src", "action", "formaction", "data", "poster"].includes(
            name,
          );
          if (
            name.startsWith("on") ||
            name === "srcdoc" ||
            (leads && !/^(\/(?!\/)|#|tel:|data:image)/.test(value))
          )
            faults.push(`${where}: <${each.localName} ${name}=${JSON.stringify(value.slice(0, 60))}>`);
        }
      }
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
        // A direction that is turned and not turned back must end with the text that turned it.
        const alone = node.parentElement.closest(
          "bdi, option, textarea, title, .visually-hidden, [aria-live], pre",
        );
        if (alone === null && /[\u202d\u202e\u2066-\u2069]/.test(node.data))
          faults.push(
            `${where}: may turn the line it stands in: ${node.parentElement.outerHTML.slice(0, 90)}`,
          );
      }
      const wider = document.documentElement.scrollWidth - innerWidth;
      if (wider > 0) {
        const out = [...document.querySelectorAll("main *")].filter(
          (each) => each.getBoundingClientRect().right > innerWidth + 1 && each.closest(".scroll") === null,
        );
        const which = out.map((each) => each.cloneNode(false).outerHTML.slice(0, 80));
        faults.push(`${where}: ${wider} px wider than the window: ${which.slice(0, 3).join(" ")}`);
      }
      if (globalThis.hacked !== undefined) faults.push(`${where}: a text was run`);
      return faults;
    },
    [path, JSON.stringify([...new Set(wanted)].map((text) => [text, levelled(text)])), rows],
  );
}

/** One case with a text in every field; gives what its page must show. */
function addCase(hub, texts, turn) {
  let field = 0;
  const next = () => pick(texts, turn, field++);
  const trimmed = () => next().trim();
  const given = {
    severity: turn % 2 === 0 ? "P1" : ["P2", "P3", "P4"][turn % 3],
    title: both(next()),
    siteName: both(next()),
    site: next(),
    device: next(),
    known: false,
    kind: next(),
    rule: next(),
    place: { building: trimmed(), unit: trimmed(), floor: trimmed(), room: trimmed() },
    reason: both(next()),
    because: both(next()),
    evidence: [0, 1, 2].map((each) => ({
      device: next(),
      kind: next(),
      value: each === 0 ? next() : each,
      unit: next(),
      at: new Date(Date.now() - each * 1000).toISOString(),
      received_at: now(),
    })),
    joined: { kind: next(), device: next(), reason: both(next()), because: both(next()), model: true },
  };
  const found = hub.add(given);
  found.alerts[1].alert.detected_by = { by: "model", model: next(), build: 1 };
  found.category_name = both(next());
  found.related_reason = both(next());
  found.area_path = [{ code: next(), level: "grid", name: both(next()) }];
  const actor = { username: next(), display_name: next() };
  hub.change(found.id, "acknowledge", actor, next());
  hub.change(found.id, "file", actor, next());
  hub.change(found.id, "dispatch", actor, next(), { unit: "lihu-property" });
  found.unit = { code: next(), name: both(next()) };
  found.transitions.at(-1).note = both(next());
  found.files = new Map([["0".repeat(64), { name: next(), media_type: next(), stored_by: next() }]]);
  for (const [sha256, file] of found.files)
    Object.assign(file, { sha256, file: "deleted", stored_at: now() });
  const { alerts, files, transitions } = found;
  const file = files.values().next().value;
  return {
    id: found.id,
    list: [given.title.zh, given.siteName.zh].filter((text) => text.trim() !== ""),
    all: [
      given.title.zh,
      given.siteName.zh,
      given.device,
      given.kind,
      given.rule,
      ...Object.values(given.place),
      given.reason.zh,
      ...given.evidence.map((each) => each.device),
      given.evidence[0].value,
      ...given.evidence.slice(1).map((each) => each.unit),
      alerts[1].alert.device,
      alerts[1].alert.reason.zh,
      alerts[1].alert.detected_by.model,
      found.category_name.zh,
      found.related_reason.zh,
      found.area_path[0].name.zh,
      actor.display_name,
      found.unit.name.zh,
      ...transitions.map((each) => each.reason ?? ""),
      transitions.at(-1).note.zh,
      file.name,
      file.stored_by,
    ].filter((text) => text.trim() !== ""),
    task: [
      given.title.zh,
      given.siteName.zh,
      ...Object.values(given.place),
      given.reason.zh,
      ...transitions.slice(-3).flatMap((each) => [each.actor_name ?? "", each.reason ?? ""]),
    ].filter((text) => text.trim() !== ""),
    sheet: [
      given.title.zh,
      given.siteName.zh,
      given.device,
      given.reason.zh,
      actor.display_name,
      file.name,
    ].filter((text) => text.trim() !== ""),
  };
}

/** The readings around a case: a line with each of these texts as its unit, and marks that are called like them. */
function seriesOf(texts) {
  const from = Date.now() - 600_000;
  return {
    from: new Date(from).toISOString(),
    to: now(),
    series: texts.map((unit, at) => ({
      device: pick(texts, at, 1),
      kind: pick(texts, at, 2),
      unit,
      points: [
        [from, at],
        [from + 300_000, at + 1],
      ],
    })),
    marks: texts.map((label, at) => ({
      at: new Date(from + at * 1000).toISOString(),
      label: both(label),
      alert_id: `mark-${at}`,
    })),
  };
}

/** Everything else that a page asks the hub for, with a text in every field. */
function fillHub(hub, texts) {
  const each = (make) => texts.map((text, turn) => make((field) => pick(texts, turn, field), turn, text));
  const time = now();
  hub.gateways = new Map(
    each((of, turn) => ({
      id: turn === 0 ? "gw-1" : of(0),
      site: of(1),
      state: "online",
      last_heartbeat_at: time,
      agent_version: of(2),
      boot_epoch: 1,
      clock: "unsure",
      backlog_alerts: 1,
      backlog_readings: 1,
      sequence: { contiguous_through: 1, highest: 1, missing: [] },
      devices_total: 1,
      devices_silent: 1,
      devices_unknown: 1,
      faults: [{ code: of(3), subject: of(4), since: time, detail: both(of(5)) }],
    })).map((gateway) => [gateway.id, gateway]),
  );
  hub.gateways.get("gw-1").faults = each((of) => ({
    code: of(0),
    subject: of(1),
    since: time,
    detail: both(of(2)),
  }));
  hub.devices = () =>
    each((of) => ({
      device: of(0),
      profile: of(1),
      known: false,
      state: "silent",
      last_seen: time,
      place: { building: of(2), unit: of(3), floor: of(4), room: of(5) },
      kinds: [of(6), of(7)],
      gateway: "gw-1",
      last_reading: { kind: of(8), unit: of(9), point: [0, of(10)] },
    }));
  hub.quarantine = () =>
    each((of) => ({ source: of(0), reason: of(1), sample: of(2), count: 1, last_seen: time }));
  const told = (of) => ({
    device: of(0),
    place: { room: of(1) },
    kind: of(2),
    alert: of(3),
    received_at: time,
    refused: of(4),
  });
  hub.commissionings = () => ({
    items: [
      {
        id: texts[0],
        by: texts[1],
        agent_version: texts[2],
        started_at: time,
        ended_at: time,
        arrived_at: time,
        clock: "unsure",
        ended_because: "asked",
        chosen: [],
        expect_all: true,
        tested: each(told),
        missing: each(told),
        result: "failed",
      },
    ],
    test_alerts: each((of, turn) => ({
      ...told(of),
      id: `${turn}`,
      reason: both(of(5)),
      raised_at: time,
      arrived_at: time,
      case: 1,
    })),
  });
  hub.sites = each((of, turn) => ({
    id: `site-${turn}`,
    name: both(of(0)),
    grid: "440605004012003",
    address: both(of(1)),
    building_code: of(2),
    lat: 23.03 + turn / 5000,
    lon: 113.14,
    gateway: of(3),
  }));
  hub.hazards = each((of, turn) => ({
    code: `hz-${turn}`,
    name: both(of(0)),
    category: of(1),
    lat: 23.03,
    lon: 113.14 + turn / 5000,
  }));
  hub.reports = (what) => {
    // The days of the trend are the hub's own words.
    if (!["units", "areas"].includes(what)) return undefined;
    const figures = {
      counts: { reported: 9, filed: 6, closed: 1, yellow_cards: 1, red_cards: 1, score: -15 },
    };
    const rates = { acknowledged_in_time: 1, handled_in_time: 1, closed_in_time: 1, rework: 0 };
    const row = { ...figures, rates, times: {} };
    const items = each((of, turn) => ({ key: `${turn}-${of(1)}`, name: both(of(0)), ...row }));
    return { from: time, to: time, made_at: time, total: row, items, next: null };
  };
  fillAdmin(hub.admin, each, time);
}

function fillAdmin(admin, each, time) {
  const name = (of) => both(of(0));
  admin.tables.areas = each((of, turn) => ({
    code: `${turn}`,
    parent: of(1),
    level: "grid",
    name: name(of),
  }));
  admin.tables.sites = each((of, turn) => ({
    id: `${turn}`,
    name: name(of),
    grid: of(1),
    address: both(of(2)),
    building_code: of(3),
  }));
  admin.tables.units = each((of, turn) => ({
    code: `${turn}`,
    name: name(of),
    kind: of(1),
    area: of(2),
    phone: of(3),
  }));
  admin.tables.duties = each((of, turn) => ({ area: `${turn}`, category: of(1), unit: of(0) }));
  admin.tables.hazards = each((of, turn) => ({
    code: `${turn}`,
    name: name(of),
    category: of(1),
    grid: of(2),
  }));
  admin.tables.contacts = each((of, turn) => ({
    place_kind: "site",
    place: of(1),
    order: turn,
    name: of(0),
    duty: of(2),
    phone: of(3),
  }));
  admin.people = each((of, turn) => ({
    username: `${turn}-${of(1)}`,
    display_name: of(0),
    role: "auditor",
    area: of(2),
    unit: of(3),
    phone: of(4),
    version: 1,
  }));
  admin.silences = each((of, turn) => ({
    id: turn,
    version: 1,
    by_name: of(1),
    why: of(0),
    weekly: [],
    from: time,
    until: time,
    state: "active",
    ends_soon: false,
    hides: 2,
    matcher: { site: of(2), device: of(3), category: of(4), kind: of(5) },
  }));
  admin.channels = each((of, turn) => ({
    name: `${turn}-${of(0)}`,
    kind: "wecom",
    recipients: [of(1), of(2)],
    quota: [],
    waiting: 0,
    dead: 1,
  }));
  admin.dead = each((of, turn) => ({
    id: `${turn}`,
    channel: of(1),
    number: `20261122-${turn}`,
    change: "opened",
    created_at: time,
    error: of(0),
  }));
  admin.audit = each((of, turn) => ({
    link: turn + 1,
    at: time,
    actor: of(0),
    action: of(1),
    subject: of(2),
    address: of(3),
    hash: "b",
    ...(turn % 3 === 0 ? { case: 1 } : {}),
  }));
  const officers = each((of) => of(0));
  admin.roster.roster = {
    area: "440605004",
    leader: officers[1],
    shifts: [
      {
        name: officers[2],
        from: "08:00",
        until: "20:00",
        first_day: "2026-11-01",
        turn_days: 1,
        crews: [{ officers, shift_leader: officers[3] }],
      },
    ],
    substitutions: [],
    absences: [],
  };
}

/** At least so many rows of a virtual list are drawn, however tall they are. */
const DRAWN = 5;
/** As many cases as the wall shows. */
const WALL_CASES = 7;

/** What a page of a list must show: all texts but those of blanks only. */
const visible = (texts) => texts.filter((text) => text.trim() !== "");

test("the list holds at least 200 hostile texts, each once", () => {
  assert.ok(HOSTILE_TEXTS.length >= 200, `${HOSTILE_TEXTS.length} texts`);
  assert.equal(new Set(HOSTILE_TEXTS.map(({ text }) => text)).size, HOSTILE_TEXTS.length);
  assert.ok(Object.keys(HOSTILE).length >= 10);
});

/**
 * Lists show every case; of the cases' own pages, which have some forty texts each, every so many are opened. All of
 * them with GRIDWATCH_HOSTILE=all, which takes minutes.
 */
const CASE_PAGES_BETWEEN = process.env.GRIDWATCH_HOSTILE === "all" ? 1 : 12;

/** The readings of a case have so many units that the pages that are opened have all of them. */
const UNITS_ON_PAGE = 12;

/** What the phone's queue holds: every kind of work, with a text in every field, and why it was not done. */
function queued(texts, cases) {
  const item = (kind, turn, given) => ({
    ...{ id: `${kind}-${turn}`, user: "worker", made_at: now(), report: null, tries: 1, version_after: null },
    ...{ order: turn, case: cases[turn].id, title: pick(texts, turn, 0), state: "refused" },
    ...given,
  });
  return texts.flatMap((_, turn) => {
    const of = (field) => pick(texts, turn, field);
    const action = { kind: "action", action: of(1), version: 1, reason: of(2), details: {} };
    const photo = { kind: "evidence", sha256: "0".repeat(64), type: "image/png", name: of(5), bytes: 1 };
    const report = { kind: "report", body: { category: of(3), description: of(6), photos: [] } };
    const by = { who: of(7), action: of(8), at: now() };
    return [
      item("action", turn, { work: action, problem: { code: of(3), detail: of(4) } }),
      item("photo", turn, { work: photo, problem: { code: of(3), detail: "" } }),
      item("report", turn, { work: report, case: null, problem: { code: "", detail: of(9) } }),
      item("conflict", turn, {
        ...{ work: action, state: "conflict" },
        problem: { code: "version-conflict", detail: "", version: 2, by },
      }),
    ];
  });
}

/** Puts work into the store of the phone's queue, as a page of before would have left it. */
const keepQueued = (page, items) =>
  page.evaluate(
    (json) =>
      new Promise((resolve, reject) => {
        const asked = indexedDB.open("gridwatch-outbox");
        asked.onerror = () => reject(asked.error);
        asked.onsuccess = () => {
          const transaction = asked.result.transaction("items", "readwrite");
          for (const item of JSON.parse(json)) transaction.objectStore("items").put(item);
          transaction.oncomplete = () => resolve(asked.result.close());
          transaction.onerror = () => reject(transaction.error);
        };
      }),
    JSON.stringify(items),
  );

/** The phone of somebody whom all these cases are given to: tasks, a task, the queue. */
async function phonePages(texts) {
  const { url, hub, stop } = await openHub({ empty: true });
  fillHub(hub, texts);
  const cases = texts.map((_, turn) => addCase(hub, texts, turn));
  for (const found of hub.cases.values()) found.unit.code = "lihu-property";
  const { page, context, faults } = await watched(url);
  const seen = [];
  const open = async (path, wanted, rows) => seen.push(...(await look(page, path, wanted, rows)));
  try {
    await signIn(page, url, "/", "worker", "worker");
    watchConsole(page, faults);
    await open(
      "/tasks",
      cases.flatMap((each) => each.list),
      [".task", texts.length],
    );
    await keepQueued(page, queued(texts, cases));
    await page.goto(`${url}/outbox`);
    await page.locator('#link-state[data-link="live"]').waitFor();
    await open(null, visible(texts), ["#queue > .queue-line", 4 * texts.length]);
    for (const { id, task } of cases.filter((_, turn) => turn % CASE_PAGES_BETWEEN === 0))
      await open(`/tasks/${id}`, task, [".task-head, .queue-line", 4]);
    seen.push(...faults);
  } finally {
    await context.close();
    await stop();
  }
  return seen;
}

async function everyPage(texts) {
  const { url, hub, stop } = await openHub({ empty: true });
  fillHub(hub, texts);
  const cases = texts.map((_, turn) => addCase(hub, texts, turn));
  hub.series = ({ id }) => {
    const turn = cases.findIndex((each) => each.id === id);
    return seriesOf(texts.slice(turn, turn + UNITS_ON_PAGE));
  };
  const { page, context, faults } = await watched(url);
  const seen = [];
  const open = async (path, wanted, rows) => seen.push(...(await look(page, path, wanted, rows)));
  try {
    await signIn(page, url, "/", "admin", "admin");
    watchConsole(page, faults);
    const some = texts.length;
    Object.assign([...hub.sessions.values()][0], { display_name: texts[5], area: texts[6] });
    await page.reload();
    await page.locator('#link-state[data-link="live"]').waitFor();
    await open("/", [...cases.flatMap((each) => each.list), texts[5]], [".board li[data-case]", some]);
    for (const [turn, { id, all, sheet }] of cases.entries()) {
      if (turn % CASE_PAGES_BETWEEN !== 0) continue;
      const units = visible(texts.slice(turn, turn + UNITS_ON_PAGE));
      await open(`/cases/${id}`, [...all, ...units], [".evidence-piece", 1]);
      await open(`/cases/${id}/sheet`, sheet, [".sheet-signs", 1]);
    }
    await open("/devices", visible(texts), [".gateway", some]);
    await open("/devices/gw-1", visible(texts), [".quarantine li", some]);
    for (const each of await page.locator("main summary").all()) await each.click();
    await open(null, visible(texts), [".walk tbody tr", some]);
    hub.profile = { toml: visible(texts).join("\n"), file: texts[0] };
    await page.locator(".quarantine button").first().click();
    await open(null, [], ["dialog[open] textarea", 1]);
    await page.keyboard.press("Escape");
    await open("/supervision", visible(texts), [".rates tbody tr", some]);
    for (const what of ["sites", "hazards"]) {
      const kept = { sites: hub.sites, hazards: hub.hazards };
      Object.assign(hub, { sites: [], hazards: [], [what]: kept[what] });
      await open("/report", []);
      await open("/map", visible(texts), [".map-row", some]);
      Object.assign(hub, kept);
    }
    for (const [section, rows] of [
      ["people", "tbody tr"],
      ["silences", ".admin-cards li"],
      ["channels", "main li.panel"],
      ["audit", "tbody tr"],
      ["catalogue", "tbody tr"],
    ]) {
      // Of the audit only the rows in the window are drawn; the catalogue is the hub's own.
      const all = { catalogue: 1, audit: DRAWN }[section] ?? some;
      const wanted = { catalogue: [], audit: visible(texts.slice(0, DRAWN)) }[section] ?? visible(texts);
      await open(`/admin/${section}`, wanted, [rows, all]);
    }
    await open("/admin/rosters", []);
    await page.locator(".admin-cards > li > button[aria-expanded]").first().click();
    await open(null, visible(texts), [".admin-crews li", 1]);
    await page.locator(".roster-form .admin-tools button").first().click();
    await open(null, visible(texts), [".roster-officers > li", some]);
    await open("/admin/directory", visible(texts), ["tbody tr", some]);
    for (const tab of await page.locator(".admin-tabs button").all()) {
      await tab.click();
      await page.locator('.admin-tabs button[aria-pressed="true"]').waitFor();
      await open(null, visible(texts), ["tbody tr", some]);
    }
    for (let first = 0; first < some; first += WALL_CASES) {
      const newest = cases.slice(first, first + WALL_CASES);
      hub.newest = newest.map(({ id }) => id);
      await open("/outbox", []);
      await open(
        "/wall",
        newest.flatMap((each) => each.list),
        [".wall-case", newest.length],
      );
    }
    seen.push(...faults);
  } finally {
    await context.close();
    await stop();
  }
  return seen;
}

const HALF = Math.ceil(HOSTILE_TEXTS.length / 2);
for (const [which, from, to] of [
  ["first", 0, HALF],
  ["second", HALF, undefined],
]) {
  test(`every page shows the ${which} half of the hostile texts as text, runs none and keeps its width`, {
    skip: MOCK_ONLY,
  }, async () => {
    const texts = HOSTILE_TEXTS.slice(from, to).map(({ text }) => text);
    const found = await everyPage(texts);
    assert.deepEqual(found.slice(0, 20), [], `${found.length} faults`);
  });
}

for (const [which, from, to] of [
  ["first", 0, HALF],
  ["second", HALF, undefined],
]) {
  test(`the phone's tasks and its queue show the ${which} half of the hostile texts as text, and run none`, {
    skip: MOCK_ONLY,
  }, async () => {
    const texts = HOSTILE_TEXTS.slice(from, to).map(({ text }) => text);
    const found = await phonePages(texts);
    assert.deepEqual(found.slice(0, 20), [], `${found.length} faults`);
  });
}

/** On a real hub every so many cases are opened. */
const CASES_BETWEEN = 24;

/** Half a surrogate pair is no Unicode: JSON with one is refused whole. */
const isUnicode = (text) => !/[\ud800-\udfff]/u.test(text);
/** What a device's name may be on the wire: at most 256 bytes, no control characters, not empty. */
const NAME_BYTES_MAX = 256;
const fitsName = (text) => Buffer.byteLength(text) <= NAME_BYTES_MAX && !/\p{Cc}/u.test(text);

/** Sends every text as an alert's device, place, reason and rule; gives those that opened a case, in order. */
async function sendAll(gateway) {
  const opened = [];
  for (const [index, { text }] of HOSTILE_TEXTS.entries()) {
    const fields = {
      place: { building: text, unit: text, floor: text, room: text },
      reason: both(text),
      detected_by: index % 2 === 0 ? { by: "rule", rule: text } : { by: "model", model: text, build: 1 },
    };
    const name = `${index} ${text}`;
    let { status, body } = await gateway.batch([gateway.alert({ ...fields, device: name })]);
    if (!isUnicode(text)) {
      assert.equal(status, 400, JSON.stringify(text));
      assert.equal(body.type, "malformed-body");
      assert.match(body.detail, /surrogate|escape/, "it says what is wrong");
      continue;
    }
    assert.equal(status, 200);
    if (!fitsName(name)) {
      assert.equal(body.items[0].status, "rejected", JSON.stringify(text));
      assert.match(body.items[0].reason, /^device id .*(has the character|at most 256 are allowed)/s);
      ({ body } = await gateway.batch([gateway.alert({ ...fields, device: `${index}` })]));
    }
    assert.equal(body.items[0].status, "accepted", `${JSON.stringify(text)}: ${body.items[0].reason}`);
    opened.push(text);
  }
  return opened;
}

test("through a real hub's intake each text is refused with its reason, or shown as text", {
  skip: hubProgram() === null && "needs a hub: `cargo build -p hub`, or GRIDWATCH_HUB",
}, async () => {
  // Floods have tests of their own; here every case must be a row.
  const more = ["[correlation]", "flood_begins_above = 10000"];
  const hub = await startHub({ officers: [{ name: "officer", role: "supervisor" }], more });
  const front = await startFront(hub.url);
  const { page, context, faults } = await watched(front.url);
  const seen = [];
  try {
    const opened = await sendAll(hub.gateway);
    const good = HOSTILE_TEXTS.map(({ text }) => text).filter(isUnicode);
    assert.equal(opened.length, good.length);
    const last_seen = now();
    const heartbeat = await hub.gateway.heartbeat({
      agent_version: good[0],
      faults: good.map((text) => ({ code: text, subject: text, since: last_seen, detail: both(text) })),
      devices: good.filter(fitsName).map((text, index) => ({
        device: `${index} ${text}`.slice(0, 100),
        known: false,
        state: "online",
        last_seen,
        place: { room: text },
        kinds: ["smoke"],
      })),
      quarantine: good
        .slice(0, 60)
        .map((text) => ({ source: text, reason: text, sample: text, count: 1, last_seen })),
    });
    assert.equal(heartbeat.status, 200, JSON.stringify(heartbeat.body));
    const surrogate = await hub.gateway.heartbeat({ agent_version: "\ud800" });
    assert.equal(surrogate.body.type, "malformed-body");
    await signIn(page, front.url, "/", "officer", OFFICER_PASSWORD);
    watchConsole(page, faults);
    const written = (texts) => visible(texts).map((text) => text.trim());
    const open = async (path, wanted, rows) => seen.push(...(await look(page, path, wanted, rows)));
    await open("/", written(opened.slice(0, DRAWN)), [".list li[data-case]", DRAWN]);
    for (const [index, text] of opened.entries()) {
      if (index % CASES_BETWEEN !== 0) continue;
      await open(`/cases/${index + 1}`, written([text]), [".alerts > li", 1]);
      await open(`/cases/${index + 1}/sheet`, written([text]), [".sheet-signs", 1]);
    }
    await open("/devices/gw-1", written([good[0], good[7]]), [".quarantine li", 1]);
    for (const [path, selector] of [
      ["/devices", ".gateway"],
      ["/map", ".map-row"],
      ["/supervision", "main"],
      ["/wall", ".wall-figure"],
    ])
      await open(path, [], [selector, 1]);
    seen.push(...faults);
  } finally {
    await context.close();
    await front.stop();
    await hub.stop();
  }
  assert.deepEqual(seen.slice(0, 20), [], `${seen.length} faults`);
});
