/**
 * More than 200 hostile texts in every field that a device, a gateway or a person fills, on every page: each
 * is shown as the text that it is, nothing comes of it, nothing leaves the hub, and the page stays as wide as
 * the window. First against the simulated hub, which lets everything through; then through a real hub's intake.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { closeBrowser, MOCK_ONLY, openBrowser, openHub, signIn } from "./browser.mjs";
import { startFront } from "./front.mjs";
import { both, HOSTILE, HOSTILE_TEXTS } from "./hostile.mjs";
import { addCase, CASE_PAGES_BETWEEN, fillHub, HALVES, now, seriesOf, visible } from "./hostile-fill.mjs";
import { look, watchConsole, watched } from "./hostile-look.mjs";
import { hubProgram, OFFICER_PASSWORD, startHub } from "./hub.mjs";

before(openBrowser);
after(closeBrowser);

/** At least so many rows of a virtual list are drawn, however tall they are. */
const DRAWN = 5;
/** As many cases as the wall shows. */
const WALL_CASES = 7;

test("the list holds at least 200 hostile texts, each once", () => {
  assert.ok(HOSTILE_TEXTS.length >= 200, `${HOSTILE_TEXTS.length} texts`);
  assert.equal(new Set(HOSTILE_TEXTS.map(({ text }) => text)).size, HOSTILE_TEXTS.length);
  assert.ok(Object.keys(HOSTILE).length >= 10);
});

/** The readings of a case have so many units that the pages that are opened have all of them. */
const UNITS_ON_PAGE = 12;

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

for (const [which, texts] of HALVES) {
  test(`every page shows the ${which} half of the hostile texts as text, runs none and keeps its width`, {
    skip: MOCK_ONLY,
  }, async () => {
    const found = await everyPage(texts);
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
