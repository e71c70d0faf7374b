/** The map with its list, drawn without a request to anybody. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { SMOKE } from "../dev/mock-data.mjs";
import { makeArchive, vectorTile } from "./archive.mjs";
import { checkPage } from "./axe.mjs";
import {
  closeBrowser,
  MOCK_ONLY,
  NARROW,
  OUTPUT,
  openBrowser,
  openHub,
  openPage,
  signIn,
  until,
  WIDE,
} from "./browser.mjs";

before(openBrowser);
after(closeBrowser);

/** Files that only the map needs. */
const MAP_CODE = /map|csp|tiles/;
const MIDDLE = { lat: 23.03, lon: 113.146 };

const drawn = (page) =>
  until(
    "the map is drawn",
    async () => (await page.locator(".map-canvas").getAttribute("data-drawn")) !== null,
    40_000,
  );

/** How many pixels of the map, as it is on the screen, have about this colour. */
async function pixels(page, colour) {
  const shot = await page.locator(".map-canvas").screenshot();
  return page.evaluate(
    async ([source, [r, g, b]]) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const copy = new OffscreenCanvas(image.width, image.height);
      const context = copy.getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        const far = Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b);
        if (far < 12) count += 1;
      }
      return count;
    },
    [`data:image/png;base64,${shot.toString("base64")}`, colour],
  );
}

test("the map is loaded only when it is shown, asks nobody, and leads to a case", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, context, faults } = await openPage(url);
  const asked = [];
  context.on("request", (request) => asked.push(new URL(request.url())));
  await signIn(page, url, "/");
  assert.ok(
    asked.some(({ pathname }) => /\/assets\/index/.test(pathname)),
    "the board is loaded",
  );
  assert.ok(!asked.some(({ pathname }) => MAP_CODE.test(pathname)), "no code of the map on the board");
  await page.getByRole("link", { name: "地图", exact: true }).click();
  await drawn(page);
  assert.ok(asked.some(({ pathname }) => /\/assets\/map-draw/.test(pathname)));
  assert.ok(asked.every(({ origin }) => origin === url));
  assert.ok(!asked.some(({ pathname }) => /glyph|font|tile|\.pbf/.test(pathname)));
  await page.locator('[data-target="hazard:hz-1"] button').click();
  await page.getByRole("button", { name: /联系人/ }).click();
  await page.getByRole("link", { name: "0757-0000 0001" }).waitFor();
  // By pointer: the site with the P1 stands in the middle of its grid.
  const box = await page.locator(".map-canvas").boundingBox();
  await page.locator('[data-target="site:lihu"] > button').click();
  await page.locator('[data-target="site:lihu"]').getByRole("link", { name: "厨房烟雾报警" }).waitFor();
  await page.locator('[data-target="site:lihu"] > button').click();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await page.locator('.map-row-current[data-target="site:lihu"]').waitFor();
  assert.match(page.url(), /at=site%3Alihu/);
  await page.getByRole("link", { name: "厨房烟雾报警" }).click();
  await page.locator(".case-head").waitFor();
  assert.equal(hub.streamsOpened, 1, "one stream for all pages");
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

/** What a browser loads of these files, packed as a hub's proxy or a disk would: in kB. */
const packedSize = (names, dir) =>
  names.reduce((sum, name) => sum + gzipSync(readFileSync(dir + name)).length, 0) / 1000;

test("the console is under 600 kB packed without the map", { skip: MOCK_ONLY }, (context) => {
  const dir = fileURLToPath(new URL("../dist/", import.meta.url));
  const names = readdirSync(dir, { recursive: true }).filter((name) => /\.(js|css|html|svg)$/.test(name));
  const map = names.filter((name) => MAP_CODE.test(name));
  const without = packedSize(
    names.filter((name) => !map.includes(name)),
    dir,
  );
  const whole = without + packedSize(map, dir);
  context.diagnostic(
    `console packed with gzip: ${without.toFixed(0)} kB without the map, ${whole.toFixed(0)} kB with it`,
  );
  assert.ok(
    map.some((name) => /map-draw/.test(name)) && map.some((name) => /basemap/.test(name)),
    map.join(),
  );
  assert.ok(without < 600, `${without} kB`);
  const worker = readFileSync(`${dir}sw.js`, "utf8");
  assert.ok(!map.some((name) => worker.includes(name)), "a phone keeps nothing of the map");
});

test("streets lie below the outlines, out of this hub's own file, in both schemas and as pictures", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const water = [188, 208, 221];
  const green = [10, 200, 10];
  const picture = await onePixel(url, green);
  for (const [name, archive, tone] of [
    ["protomaps", { tile: vectorTile("protomaps"), layers: ["water", "roads"] }, water],
    ["openmaptiles", { tile: vectorTile("openmaptiles"), layers: ["water", "transportation"] }, water],
    ["png", { tile: picture, kind: "png" }, green],
  ]) {
    const attribution = 'map data <a href="https://elsewhere.example/">of the city</a>';
    hub.tiles = makeArchive({ ...MIDDLE, ...archive, attribution });
    const { page, context, faults } = await openPage(url, { colorScheme: "light" });
    const ranges = [];
    context.on("request", (request) => {
      if (/tiles\.pmtiles$/.test(request.url())) ranges.push(request.headers().range);
    });
    await signIn(page, url, "/map");
    await drawn(page);
    await until(`the water of ${name}`, async () => (await pixels(page, tone)) > 20_000);
    await page.getByText("map data of the city").waitFor();
    assert.equal(await page.locator(".map-about a").count(), 0, "no link leads away");
    assert.ok(ranges.length > 1 && ranges.every((range) => /^bytes=\d+-\d+$/.test(range)), ranges.join());
    await page.screenshot({ path: `${OUTPUT}map-streets-${name}.png` });
    assert.deepEqual(faults, [], name);
    await context.close();
  }
  await stop();
});

/** A picture of one colour, made by the browser itself. */
async function onePixel(url, [r, g, b]) {
  const { page, context } = await openPage(url);
  await page.goto(url);
  const source = await page.evaluate((colour) => {
    const canvas = document.createElement("canvas");
    canvas.width = 256;
    canvas.height = 256;
    const drawing = canvas.getContext("2d");
    drawing.fillStyle = colour;
    drawing.fillRect(0, 0, 256, 256);
    return canvas.toDataURL("image/png");
  }, `rgb(${r} ${g} ${b})`);
  await context.close();
  return Buffer.from(source.split(",")[1], "base64");
}

test("a file of streets that is broken or of another schema leaves the map as it is", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const good = makeArchive({ ...MIDDLE, tile: vectorTile("protomaps"), layers: ["water", "roads"] });
  const strange = makeArchive({ ...MIDDLE, tile: vectorTile("protomaps"), layers: ["sea", "lanes"] });
  for (const tiles of [{ ...good, bytes: Buffer.alloc(500, 7) }, strange]) {
    hub.tiles = tiles;
    const { page, context, faults } = await openPage(url);
    await signIn(page, url, "/map");
    await drawn(page);
    await page.getByText("底图没有载入").waitFor();
    assert.ok((await pixels(page, [200, 16, 46])) > 100, "the sign of the P1 is there");
    assert.deepEqual(faults, []);
    await context.close();
  }
  await stop();
});

test("a risk domain is chosen, its ground has a name and a pattern, and a reload keeps the choice", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub({ empty: true });
  const { page, context, faults } = await openPage(url, { colorScheme: "light" });
  const flood = [23, 96, 143];
  const chemical = [104, 69, 155];
  await signIn(page, url, "/map");
  await drawn(page);
  await until("both kinds of ground", async () => (await pixels(page, flood)) > 150);
  assert.ok((await pixels(page, chemical)) > 150);
  assert.equal(await page.locator('[data-target^="risk:"]').count(), 3);
  await page.locator("#risk-domain").selectOption({ label: "内涝" });
  await until("no chemicals", async () => (await pixels(page, chemical)) === 0);
  assert.ok((await pixels(page, flood)) > 150);
  assert.deepEqual(
    await page
      .locator('[data-target^="risk:"], [data-target^="hazard:"]')
      .evaluateAll((rows) => rows.map((row) => row.dataset.target).sort()),
    ["hazard:hz-2", "risk:ra-flood"],
  );
  await page.reload();
  await drawn(page);
  assert.equal(await page.locator("#risk-domain").inputValue(), "flood");
  await page.locator("#risk-domain").selectOption({ label: "不显示" });
  await until("no ground at all", async () => (await pixels(page, flood)) === 0);
  assert.equal(await page.locator('[data-target^="risk:"], [data-target^="hazard:"]').count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("who sends people sees grid workers on duty with tasks and the age of their place; nobody else asks", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/map");
  await drawn(page);
  const row = page.locator('[data-target="worker:worker"]');
  await row.locator("button").click();
  await row.getByText("本人上报的位置（误差约 12 米）：").waitFor();
  await row.getByText(/7 分/).waitFor();
  await row.getByText(/当班至 \d\d:\d\d/).waitFor();
  await page.screenshot({ path: `${OUTPUT}map-worker-1440-zh.png` });
  await row.locator(".map-cases a").click();
  await page.locator(".case-head").waitFor();
  await page.goBack();
  await drawn(page);
  const other = page.locator('[data-target="worker:checker"]');
  await other.locator("button").click();
  await other.getByText("本班未上报位置，标在网格中心").waitFor();
  await other.getByText("没有在办事件").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
  const auditor = await openPage(url);
  const asked = [];
  auditor.context.on("request", (request) => asked.push(request.url()));
  await signIn(auditor.page, url, "/map", "auditor", "auditor");
  await drawn(auditor.page);
  assert.equal(await auditor.page.locator('[data-target^="worker:"]').count(), 0);
  assert.ok(!asked.some((each) => each.includes("/map/workers")));
  assert.deepEqual(auditor.faults, []);
  await auditor.context.close();
  await stop();
});

test("a new case changes the map and the list without a reload", { skip: MOCK_ONLY }, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { page, context, faults } = await openPage(url, { colorScheme: "light" });
  await signIn(page, url, "/map");
  await drawn(page);
  assert.equal(await pixels(page, [200, 16, 46]), 0, "nothing red while all is calm");
  await page.locator('[data-target="site:lihu"]').getByText("0 起").waitFor();
  hub.add(SMOKE);
  await page.locator('[data-target="site:lihu"]').getByText("1 起").waitFor();
  const first = await page
    .locator(".map-row")
    .evaluateAll((rows) => rows.slice(0, 2).map((row) => row.dataset.target));
  assert.deepEqual(first.sort(), ["grid:440605004012003", "site:lihu"], "the worst are at the top");
  await until("the sign of a P1 on the map", async () => (await pixels(page, [200, 16, 46])) > 100);
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("the list does everything by keyboard, also where no map can be drawn", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const { page, context } = await openPage(url);
  await page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  await signIn(page, url, "/map");
  await page.getByText("这台电脑画不了地图").waitFor();
  await until("focus on the first place", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => document.activeElement?.closest(".map-row") !== null);
  });
  await page.keyboard.press("Enter");
  await page.locator(".map-cases a").first().waitFor();
  await until("focus on its first case", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => document.activeElement?.closest(".map-cases") !== null);
  });
  await page.keyboard.press("Enter");
  await page.locator(".case-head").waitFor();
  await context.close();
  await stop();
});

test("the map has its pictures in both widths, languages and colours, and axe finds nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const found = [];
  for (const [px, viewport] of [
    ["1440", WIDE],
    ["390", NARROW],
  ]) {
    for (const locale of ["zh-CN", "en-GB"]) {
      const colorScheme = locale === "zh-CN" ? "light" : "dark";
      const { page, context, faults } = await openPage(url, {
        viewport,
        locale,
        colorScheme,
        bypassCSP: true,
      });
      await signIn(page, url, "/map?at=site%3Ajinyuan");
      await drawn(page);
      await page.locator(".map-cases li").first().waitFor();
      await page.screenshot({ path: `${OUTPUT}map-${px}-${locale.slice(0, 2)}.png`, fullPage: px === "390" });
      found.push(...(await checkPage(page, `map ${px} ${locale}`)), ...faults);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) found.push(`map ${px} ${locale} is ${wider} px wider than the window`);
      await context.close();
    }
  }
  await stop();
  assert.deepEqual(found, []);
});
