/** Cases that belong together, floods and silences on the board; joining and parting cases, in a real browser. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
import { checkPage } from "./axe.mjs";
import {
  closeBrowser,
  MOCK_ONLY,
  NARROW,
  OUTPUT,
  openBrowser,
  signIn,
  until,
  visit,
  WIDE,
  withHubAndPage,
} from "./browser.mjs";

before(openBrowser);
after(closeBrowser);

const WANG = { username: "wang", display_name: "王芳" };
const DESK = "/440605/440605004/";
const DOOR = { ...SMOKE, kind: "door_held", severity: "P3", site: "lihu" };
const LEAK = { ...SMOKE, kind: "water_leak", severity: "P3", site: "jinyuan", place: { building: "B1" } };

const withPage = (options, run) => withHubAndPage({ ...options, empty: true }, run);

/** A case that was opened in a flood. */
function flooded(hub, given, flood = 3) {
  const tell = hub.tell;
  hub.tell = () => undefined;
  const found = hub.add(given, Date.now() - hub.cases.size * 1000);
  hub.tell = tell;
  found.flood = flood;
  hub.tell("case", { change: "opened", case: hub.summaryOf(found) });
  return found;
}

function begin(hub) {
  const began_at = new Date(Date.now() - 240_000).toISOString();
  hub.flood({ id: 3, desk: DESK, began_at, alarms: 14, peak: 14 });
  for (let n = 0; n < 12; n++)
    flooded(hub, { ...DOOR, severity: n < 3 ? "P2" : "P3", place: { building: String(n + 1) } });
  for (let n = 0; n < 2; n++) flooded(hub, { ...SMOKE, place: { building: String(n + 20) } });
}

/** Door works: what silences what is not life safety. */
function silence(hub, id = 1) {
  const until = new Date(Date.now() + 7_200_000).toISOString();
  const at = new Date(Date.now() - 3_600_000).toISOString();
  hub.admin.silences.push({
    id,
    version: 1,
    by: "zhang",
    by_name: "张强",
    why: "东门门禁改造",
    matcher: { site: "lihu", category: "door_held" },
    from: at,
    until,
    weekly: [],
    created_at: at,
    state: "active",
    active_until: until,
    ends_soon: false,
    hides: 2,
  });
  const hidden = [1, 2].map(() => hub.add(DOOR));
  for (const found of hidden) {
    found.version += 1;
    found.silenced = { silence: id, until };
    hub.tell("case", { change: "silenced", case: hub.summaryOf(found) });
  }
  return hidden.map((found) => found.id);
}

const caseIds = (page) =>
  page.locator(".list > li[data-case]").evaluateAll((rows) => rows.map((row) => Number(row.dataset.case)));

test("a flood is one line with its count, worst severity and clock; its P1 stand one by one", {
  skip: MOCK_ONLY,
}, async () => {
  await withPage({}, async ({ page, url, hub }) => {
    begin(hub);
    const lone = hub.add(LEAK);
    await signIn(page, url);
    const group = page.locator('.list > li[data-group="flood-3"]');
    await group.waitFor();
    assert.deepEqual(await caseIds(page), [lone.id], "the others are behind the one line");
    const said = await group.innerText();
    for (const part of [
      /报警洪流/,
      /桂城街道|丽湖花园/,
      /12\s*起/,
      /紧急 3/,
      /一般 9/,
      /含特急 2 起/,
      /剩余/,
    ])
      assert.match(said, part);
    assert.equal(await group.locator(".severity-P1").count(), 1, "the P1 takes the eye in the line, too");
    assert.equal(await page.locator(".p1-list > li").count(), 2, "and each P1 has a card of its own");
    await page.locator('.calm-line[data-flood="3"]').getByText("桂城街道").waitFor();

    await page.mouse.move(200, 5);
    await group.locator("button").click();
    await until("13 rows", async () => (await caseIds(page)).length === 13);
    assert.equal(await group.locator("button").getAttribute("aria-expanded"), "true");
    await page.reload();
    await until("13 rows after a reload", async () => (await caseIds(page)).length === 13);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await until("the group is selected", async () =>
      (await group.getAttribute("class")).includes("is-selected"),
    );
    await page.keyboard.press("a");
    await page.keyboard.press("ArrowLeft");
    await until("one row", async () => (await caseIds(page)).length === 1);
    const seen = [...hub.cases.values()].filter((found) => found.acknowledged_at);
    assert.equal(seen.length, 0, "a group is never acknowledged as a whole");
    await page.keyboard.press("Enter");
    await until("13 rows again", async () => (await caseIds(page)).length === 13);
  });
});

test("new cases of a flood are counted in its line and move nothing that is held", {
  skip: MOCK_ONLY,
}, async () => {
  await withPage({}, async ({ page, url, hub }) => {
    begin(hub);
    hub.add(LEAK);
    await signIn(page, url);
    const group = page.locator('.list > li[data-group="flood-3"]');
    await group.locator("button").click();
    const rows = page.locator(".list > li");
    await until("14 rows", async () => (await rows.count()) === 14);
    const under = rows.nth(4);
    await under.hover();
    const [place, order] = [await under.boundingBox(), await caseIds(page)];
    flooded(hub, { ...DOOR, severity: "P2", place: { building: "99" } });
    hub.flood({ id: 4, desk: "/440605/", began_at: new Date().toISOString(), alarms: 11, peak: 11 });
    await page.getByText("1 起新案件").or(page.getByText("1 起新事件")).waitFor();
    await page.locator(".waiting").getByText("洪流/静默").waitFor();
    await until("the count", async () => /13\s*起/.test(await group.innerText()));
    assert.deepEqual(await caseIds(page), order);
    assert.deepEqual(await under.boundingBox(), place);
    await page.mouse.move(200, 5);
    await until("15 rows", async () => (await rows.count()) === 15);
    await page.locator('.calm-line[data-flood="4"]').waitFor();
  });
});

test("signs of fire in one building, and cases split from one another, are one line each", {
  skip: MOCK_ONLY,
}, async () => {
  await withPage({ locale: "en-GB" }, async ({ page, url, hub }) => {
    const [a, b, c, d] = [DOOR, DOOR, LEAK, LEAK].map((given) => hub.add(given));
    a.group = "fire:lihu:3";
    b.group = "fire:lihu:3";
    d.related = [c.id];
    await signIn(page, url);
    await page.getByRole("button", { name: /Signs of fire in one building/ }).waitFor();
    await page.getByRole("button", { name: /^Related: / }).waitFor();
    assert.deepEqual(await caseIds(page), []);
  });
});

test("an active silence says why, until when and what it never hides; its end shows what it hid", {
  skip: MOCK_ONLY,
}, async () => {
  await withPage({}, async ({ page, context, url, hub }) => {
    const hidden = silence(hub);
    hub.add(LEAK);
    await signIn(page, url);
    const line = page.locator('.calm-line[data-silence="1"]');
    await line.getByText("东门门禁改造").waitFor();
    for (const part of [/丽湖花园/, /隐藏 2 起/, /生命安全报警不受静默/, /张强/, /至/])
      assert.match(await line.innerText(), part);
    assert.equal(await line.locator("button").count(), 0, "an officer of the desk cannot end it");
    assert.deepEqual(await caseIds(page), [3], "what it hides is hidden");
    await context.clearCookies();

    await signIn(page, url, "/", "supervisor", "supervisor");
    await line.getByRole("button", { name: "结束静默" }).click();
    const dialog = page.locator("dialog[open]");
    await dialog.getByText("隐藏的 2 起事件会立即显示").waitFor();
    hub.admin.silences[0].version = 2;
    await dialog.getByRole("button", { name: "立即结束" }).click();
    await dialog.getByText("这个静默刚刚已由他人更改或结束").waitFor();
    await dialog.getByRole("button", { name: "关闭" }).click();
    await line.getByRole("button", { name: "结束静默" }).click();
    await dialog.getByRole("button", { name: "立即结束" }).click();
    await line.waitFor({ state: "detached" });
    await until("all three", async () => (await caseIds(page)).length === 3);
    assert.ok(hidden.every((id) => hub.cases.get(id).silenced === undefined));
  });
});

/** Two leaks in one building, some minutes apart. */
function twoLeaks(hub) {
  const one = hub.add({ ...LEAK, device: "modbus/plc-1/水浸-2" }, Date.now() - 8 * 60_000);
  const other = hub.add({ ...LEAK, device: "modbus/plc-1/水浸-5" });
  return [one, other];
}

/** Goes on with the tabulator until `check` holds on the page. */
const tabTo = (page, what, check) =>
  until(what, async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(check);
  });

test("a similar case is joined with a reason and parted again, by keyboard only", {
  skip: MOCK_ONLY,
}, async () => {
  await withPage({}, async ({ page, url, hub }) => {
    const [one, other] = twoLeaks(hub);
    await signIn(page, url, `/cases/${one.id}`);
    const similar = page.locator(`.kin[data-case="${other.id}"]`).first();
    for (const part of ["类别相同", "同一楼栋", "相隔 8 分钟", "相似度 100"])
      await similar.getByText(part).waitFor();
    await tabTo(page, "the button", () => document.activeElement?.textContent === "把它并入本事件");
    await page.keyboard.press("Enter");
    await until("the reason", () => page.evaluate(() => document.activeElement?.tagName === "TEXTAREA"));
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("请填写理由").waitFor();
    await page.keyboard.type("同一根管道漏水");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText(`已把 ${other.number} 并入本事件`).waitFor();
    const took = page.locator('.kin[data-tie="took"]');
    await took.getByText("同一根管道漏水").waitFor();
    assert.equal(hub.cases.get(other.id).state, "merged");
    assert.equal(hub.cases.get(one.id).alert_count, 2);
    await until("both alerts", async () => (await page.locator(".alerts > .alert").count()) === 2);

    await tabTo(page, "the undo", () => document.activeElement?.textContent === "撤销并案");
    await page.keyboard.press("Enter");
    await until("the reason", () => page.evaluate(() => document.activeElement?.tagName === "TEXTAREA"));
    await page.keyboard.type("现场核实是两处");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText(`${other.number} 已恢复为单独的事件`).waitFor();
    assert.equal(hub.cases.get(other.id).state, "reported");
    assert.equal(hub.cases.get(one.id).alert_count, 1);
  });
});

test("joining what a colleague has just changed is refused in plain words and can be tried again", {
  skip: MOCK_ONLY,
}, async () => {
  await withPage({}, async ({ page, url, hub }) => {
    const [one, other] = twoLeaks(hub);
    await signIn(page, url, `/cases/${one.id}`);
    const similar = page.locator(`.kin[data-case="${other.id}"]`).first();
    await similar.getByRole("button", { name: "把它并入本事件" }).click();
    const { tell } = hub;
    hub.tell = () => undefined;
    hub.change(other.id, "acknowledge", WANG);
    hub.tell = tell;
    await similar.locator("textarea").fill("同一件事");
    await similar.getByRole("button", { name: "提交" }).click();
    await page.getByText(`没有执行：${other.number} 刚刚有变化`).waitFor();
    assert.equal(hub.cases.get(other.id).state, "reported", "nothing was merged");

    await similar.getByRole("button", { name: "本事件并入它" }).click();
    await similar.locator("textarea").fill("同一件事");
    await similar.getByRole("button", { name: "提交" }).click();
    await page.getByText(`已并入 ${other.number}`).first().waitFor();
    const into = page.locator('.kin[data-tie="into"]');
    await into.getByText("同一件事").waitFor();
    await into.getByRole("button", { name: "撤销并案" }).click();
    await into.locator("textarea").fill("误并");
    await into.getByRole("button", { name: "提交" }).click();
    await into.waitFor({ state: "detached" });
    assert.equal(hub.cases.get(one.id).state, "reported");
  });
});

test("an alert is split off a case with a reason and brought back", { skip: MOCK_ONLY }, async () => {
  await withPage({ locale: "en-GB" }, async ({ page, url, hub }) => {
    const joined = { kind: "temperature", severity: "P2", device: "plc/heat-9", reason: DOOR.reason };
    const found = hub.add({ ...LEAK, joined });
    await signIn(page, url, `/cases/${found.id}`);
    await page.getByRole("button", { name: "Split alerts off" }).click();
    const boxes = page.locator(".alert-split input");
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await page.getByText("At least one alert has to stay").waitFor();
    await boxes.nth(0).uncheck();
    await page.getByRole("button", { name: "Split off 1 alert" }).click();
    const form = page.locator(".split form");
    await form.locator("textarea").fill("the boiler, not the leak");
    const { tell } = hub;
    hub.tell = () => undefined;
    hub.change(found.id, "acknowledge", WANG);
    hub.tell = tell;
    await form.getByRole("button", { name: "Submit" }).click();
    await page.getByText("Not done: this case has just changed.").waitFor();
    assert.equal(hub.cases.size, 1);
    await page.getByRole("button", { name: "Split alerts off" }).click();
    await boxes.nth(1).check();
    await page.getByRole("button", { name: "Split off 1 alert" }).click();
    await form.locator("textarea").fill("the boiler, not the leak");
    await form.getByRole("button", { name: "Submit" }).click();
    await page.getByText(/^Split off as the new case/).waitFor();
    const opened = hub.cases.get(2);
    assert.deepEqual(opened.devices, ["plc/heat-9"]);
    const parted = page.locator('.kin[data-tie="parted"]');
    await parted.getByText("the boiler, not the leak").waitFor();
    await parted.getByRole("button", { name: "Merge it back" }).click();
    await parted.locator("textarea").fill("it was the leak after all");
    await parted.getByRole("button", { name: "Submit" }).click();
    await page.locator('.kin[data-tie="took"]').waitFor();
    assert.equal(hub.cases.get(found.id).alert_count, 2);
  });
});

for (const [width, viewport] of [
  ["1440", WIDE],
  ["390", NARROW],
]) {
  for (const [locale, colorScheme] of [
    ["zh-CN", "light"],
    ["en-GB", "dark"],
  ]) {
    test(`groups, floods, silences and joining at ${width} px in ${locale} have no fault and fit`, {
      skip: MOCK_ONLY,
    }, async () => {
      await withPage({ viewport, locale, colorScheme, bypassCSP: true }, async ({ page, url, hub }) => {
        begin(hub);
        silence(hub);
        const [one, other] = twoLeaks(hub);
        await signIn(page, url, "/", "supervisor", "supervisor");
        await page.locator('.list > li[data-group="flood-3"] button').click();
        await until("its rows", async () => (await caseIds(page)).length >= 14);
        const look = async (name) => {
          const file = `${OUTPUT}${name}-${width}-${locale.slice(0, 2)}-${colorScheme}.png`;
          await page.screenshot({ path: file, fullPage: true });
          assert.deepEqual(await checkPage(page, `${name} ${width}`), []);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${name} is ${over} px wider than the window`);
        };
        await look("together");
        hub.change(other.id, "merge", WANG, "同一根管道", { case: one.id });
        const third = hub.add({ ...LEAK, device: "modbus/plc-1/水浸-7" });
        third.related = [one.id];
        hub.cases.get(one.id).related = [third.id];
        await visit(page, `/cases/${one.id}`);
        await page.locator('.kin[data-tie="took"]').getByText("同一根管道").waitFor();
        await page
          .locator(`section[aria-labelledby="similar-heading"] .kin[data-case="${third.id}"]`)
          .waitFor();
        await page.locator(".kin-buttons button").first().click();
        await page.locator(".chart-box canvas").first().waitFor();
        await look("joining");
      });
    });
  }
}
