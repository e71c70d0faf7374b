/**
 * A board of 10,000 open cases in a real browser: what is drawn is bounded, every case is reached, and nothing
 * moves under the hand. Times and long tasks are printed, not asserted: they are the machine's.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
import {
  closeBrowser,
  MOCK_ONLY,
  NARROW,
  openBrowser,
  openHub,
  openPage,
  signIn,
  until,
  WIDE,
} from "./browser.mjs";

before(openBrowser);
after(closeBrowser);

const CASES = Number(process.env.GRIDWATCH_CASES ?? 2_000);
const P1 = 80;
const DRAWN_MAX = 200;
const KINDS = ["door_held", "water_leak", "battery", "video_loss"];
const SITES = ["lihu", "jinyuan", "chengnan"];

function fill(hub) {
  const { tell } = hub;
  hub.tell = () => undefined;
  const now = Date.now();
  for (let n = 0; n < CASES; n++) {
    const severity = n < P1 ? "P1" : ["P2", "P3", "P4", "P4"][n % 4];
    const kind = severity === "P1" ? "smoke" : KINDS[n % KINDS.length];
    const place = { building: String(n % 97), floor: String(n % 31) };
    hub.add({ ...SMOKE, kind, severity, site: SITES[n % 3], place, device: `device-${n}` }, now - n * 1000);
  }
  hub.tell = tell;
}

/** Watches tasks of 50 ms and more, and when the first row is drawn. */
function watch() {
  const seen = { long: [], firstRow: null };
  globalThis.seen = seen;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) seen.long.push([startTime, duration]);
  }).observe({ type: "longtask", buffered: true });
  const look = () => {
    if (document.querySelector(".list > .row") === null) requestAnimationFrame(look);
    else seen.firstRow = performance.now();
  };
  requestAnimationFrame(look);
}

/** Long tasks since the last asking, in words. */
async function longTasks(page, what) {
  const found = await page.evaluate(() => globalThis.seen.long.splice(0));
  const worst = Math.max(0, ...found.map(([, ms]) => ms));
  const over = found.filter(([, ms]) => ms > 100).length;
  const sum = found.reduce((all, [, ms]) => all + ms, 0);
  return `${what}: ${found.length} tasks of 50 ms or more, ${over} over 100 ms, the longest ${worst.toFixed(0)} ms, ${sum.toFixed(0)} ms in all`;
}

/** Goes through the whole list and gives the cases in the order of their places. */
const walk = (page) =>
  page.evaluate(async () => {
    const list = document.querySelector(".list");
    const box = list.closest(".list-zone");
    const scroller = getComputedStyle(box).overflowY === "auto" ? box : document.scrollingElement;
    const places = new Map();
    let drawn = 0;
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    scroller.scrollTop = 0;
    for (;;) {
      await frame();
      const rows = [...list.querySelectorAll(":scope > .row")];
      drawn = Math.max(drawn, rows.length);
      for (const row of rows) places.set(Number(row.getAttribute("aria-posinset")), Number(row.dataset.case));
      const end = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 2;
      if (end) break;
      // The rows drawn beyond the window reach further than this.
      scroller.scrollTop += scroller.clientHeight * 3;
    }
    return { drawn, cases: [...places].sort((a, b) => a[0] - b[0]).map(([, id]) => id) };
  });

/** How many rows the list has, drawn or not. */
const size = (page) => page.locator(".list > .row").first().getAttribute("aria-setsize").then(Number);

const whole = (page) => until("all cases", async () => (await size(page)) === CASES - 50, 60_000);

for (const [width, viewport] of [
  ["1440", WIDE],
  ["390", NARROW],
]) {
  test(`each of ${CASES} open cases is reached at ${width} px while few are drawn`, {
    skip: MOCK_ONLY,
  }, async (t) => {
    const { url, hub, stop } = await openHub({ empty: true });
    fill(hub);
    const { page, context, faults } = await openPage(url, { viewport });
    await page.addInitScript(watch);
    await signIn(page, url);
    await page.reload();
    await page.locator(".list > .row").first().waitFor();
    await whole(page);
    const first = await page.evaluate(() => globalThis.seen.firstRow);
    t.diagnostic(`${width} px: first row ${first.toFixed(0)} ms after the page was asked for`);
    t.diagnostic(await longTasks(page, `${width} px, loading`));
    const { drawn, cases } = await walk(page);
    t.diagnostic(await longTasks(page, `${width} px, scrolling through`));
    assert.ok(drawn <= DRAWN_MAX, `${drawn} rows were drawn at once`);
    const cards = await page
      .locator(".p1-list > li")
      .evaluateAll((rows) => rows.map((row) => Number(row.dataset.case)));
    assert.equal(new Set([...cards, ...cases]).size, CASES, "every case is somewhere");
    assert.equal(cards.length + cases.length, CASES, "and none twice");
    const wanted = [...cases].sort((a, b) => {
      const [one, other] = [hub.cases.get(a), hub.cases.get(b)];
      return one.severity.localeCompare(other.severity) || (one.opened_at < other.opened_at ? -1 : 1);
    });
    assert.deepEqual(cases, wanted, "most urgent first, then oldest; P1 beyond the cards first of all");
    assert.deepEqual(faults, []);
    await context.close();
    await stop();
  });
}

test("filter, selection and what is under the hand hold among many cases and a storm of new ones", {
  skip: MOCK_ONLY,
}, async (t) => {
  const { url, hub, stop } = await openHub({ empty: true });
  fill(hub);
  const { page, context, faults } = await openPage(url);
  await page.addInitScript(watch);
  await signIn(page, url);
  await page.reload();
  await page.locator(".list > .row").first().waitFor();
  await whole(page);
  await longTasks(page, "");

  const scroll = (top) =>
    page.locator(".list-zone").evaluate((box, to) => {
      box.scrollTop = to;
    }, top);
  await scroll(40 * CASES);
  const middle = page.locator(".list > .row", { has: page.locator("a") });
  await until(
    "rows in the middle",
    async () => Number(await middle.first().getAttribute("aria-posinset")) > 0.4 * CASES,
  );
  await page.mouse.move(900, 500);
  const under = () =>
    page.evaluate(() => {
      const row = document.elementFromPoint(900, 500).closest(".row");
      return [row.dataset.case, row.getBoundingClientRect().top];
    });
  const before = await under();
  for (let n = 0; n < 500; n++) hub.add({ ...SMOKE, kind: "door_held", severity: "P2", device: `new-${n}` });
  await until("500 waiting", async () => /500 起/.test(await page.locator(".waiting").innerText()));
  assert.deepEqual(await under(), before, "nothing moved");
  t.diagnostic(await longTasks(page, "500 new cases, list held"));
  await page.mouse.move(200, 5);
  await until("they are in the list", async () => (await size(page)) === CASES - 50 + 500);
  t.diagnostic(await longTasks(page, "500 new cases taken in"));

  await scroll(0);
  for (let n = 0; n < 53; n++) await page.keyboard.press("j");
  const selected = page.locator(".list > .row.is-selected");
  await selected.waitFor();
  const id = await selected.getAttribute("data-case");
  const place = Number(await selected.getAttribute("aria-posinset"));
  const focused = () => page.evaluate(() => document.activeElement.closest("li")?.dataset.case);
  assert.equal(await focused(), id);
  await scroll(50 * CASES);
  await until("far rows", async () => {
    const places = await page
      .locator(".list > .row")
      .evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("aria-posinset"))));
    return places.includes(place) && Math.max(...places) > 0.5 * CASES;
  });
  assert.equal(await focused(), id, "it keeps the focus far out of sight");
  for (let n = 0; n < 30; n++) await page.keyboard.press("ArrowDown");
  await until(
    "the 30th after it",
    async () => Number(await selected.getAttribute("aria-posinset")) === place + 30,
  );
  assert.ok(await selected.evaluate((row) => row.getBoundingClientRect().bottom <= innerHeight));
  t.diagnostic(await longTasks(page, "moving by keys"));

  await page.keyboard.press("Escape");
  await page.locator(".chip").nth(0).click();
  const p2 = [...hub.cases.values()].filter((found) => found.severity === "P2").length;
  await until("P2 and the P1 beyond the cards", async () => (await size(page)) === p2 + P1 - 50);
  t.diagnostic(await longTasks(page, "filtering"));
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("beyond the cards of P1, each is on the board once while the hand is on them", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const now = Date.now();
  for (let n = 0; n < 60; n++) hub.add({ ...SMOKE, site: SITES[n % 3], device: `p1-${n}` }, now - n * 1000);
  const { page, context, faults } = await openPage(url);
  await signIn(page, url);
  const shown = () =>
    page.evaluate(() =>
      [...document.querySelectorAll(".p1-list > li, .list > .row")].map((row) => Number(row.dataset.case)),
    );
  const first = () => page.locator(".p1-list > li").first();
  await until("all of them", async () => (await shown()).length === 60);
  await first().hover({ position: { x: 5, y: 5 } });
  const id = Number(await first().getAttribute("data-case"));
  hub.change(id, "acknowledge", { username: "li", display_name: "李明" });
  const behind = 51;
  await until("the one behind has moved up", async () => {
    return (await page.locator(".p1-list > li").count()) === behind;
  });
  const held = await shown();
  assert.deepEqual(
    held.filter((each, at) => held.indexOf(each) !== at),
    [],
    "none twice",
  );
  assert.equal(held[0], id, "what is under the hand stays");
  await page.mouse.move(200, 5);
  await until("the cards are 50 again", async () => (await page.locator(".p1-list > li").count()) === 50);
  assert.equal(new Set(await shown()).size, 60, "and every one is there");
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});
