/** The phone of a handler: tasks, dead zones, photos, reports. In a real browser, at 390 and 1440 pixels. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
import { checkPage, PIXEL } from "./axe.mjs";
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

const WANG = { username: "wang", display_name: "王芳" };
const HERE = { latitude: 23.0361, longitude: 113.1487, accuracy: 12 };

/** A case that has been dispatched to the worker's unit. */
function dispatched(hub, given = {}) {
  const found = hub.add({ ...SMOKE, kind: "water_leak", severity: "P3", ...given });
  hub.change(found.id, "acknowledge", WANG);
  hub.change(found.id, "file", WANG, "属实", { condition: "alarm_stands" });
  hub.change(found.id, "dispatch", WANG, null, { unit: "lihu-property" });
  return found;
}

async function withPhone(options, run) {
  const server = await openHub({ empty: true });
  const opened = await openPage(server.url, {
    viewport: NARROW,
    hasTouch: true,
    geolocation: HERE,
    permissions: ["geolocation"],
    ...options,
  });
  try {
    await run({ ...server, ...opened });
    assert.deepEqual(opened.faults, []);
  } finally {
    await opened.context.close();
    await server.stop();
  }
}

const enter = (page, url, path = "/") => signIn(page, url, path, "worker", "worker");
const actions = (hub, id) =>
  hub.cases
    .get(id)
    .transitions.filter((each) => each.actor === "worker")
    .map((each) => each.action);
const photoFile = { name: "阀门.png", mimeType: "image/png", buffer: PIXEL };

test("a handler lands on the own tasks, what runs out first at the top", { skip: MOCK_ONLY }, async () => {
  await withPhone({}, async ({ page, url, hub }) => {
    hub.add(SMOKE);
    const late = dispatched(hub);
    const soon = dispatched(hub);
    hub.cases.get(soon.id).due_at = new Date(Date.now() + 600_000).toISOString();
    hub.cases.get(late.id).due_at = new Date(Date.now() - 600_000).toISOString();
    await enter(page, url);
    await page.getByRole("heading", { name: "我的任务" }).waitFor();
    await page.locator(".task").nth(1).waitFor();
    const ids = await page
      .locator(".task")
      .evaluateAll((rows) => rows.map((row) => Number(row.dataset.case)));
    assert.deepEqual(ids, [late.id, soon.id], "only the own unit's, the overdue one first");
    assert.match(await page.locator(".task").first().innerText(), /已超 1\d 分/);
  });
});

for (const [name, viewport] of [
  ["390", NARROW],
  ["1440", WIDE],
]) {
  test(`accept, on site, photo and result in a dead zone, sent in order when the signal is back, at ${name} pixels`, {
    skip: MOCK_ONLY,
  }, async () => {
    await withPhone({ viewport }, async ({ page, url, hub }) => {
      const { id } = dispatched(hub);
      await enter(page, url);
      await page.locator(".task-title a").click();
      await page.getByRole("button", { name: "接办", exact: true }).waitFor();
      assert.match(await page.locator("#navigate").getAttribute("href"), /^geo:23\.036100,113\.148700\?q=/);
      // The line breaks: everything from here on is kept.
      hub.down = true;
      hub.cut();
      await page.locator('#link-state[data-link="lost"]').waitFor();
      await page.getByRole("button", { name: "接办", exact: true }).click();
      await page.locator('.queue-line[data-state="waiting"], .queue-line[data-state="sending"]').waitFor();
      await page.getByRole("button", { name: "到达现场" }).click();
      await page.locator(".queue-line").nth(1).waitFor();
      await page.locator(".photo input").setInputFiles(photoFile);
      await page.locator(".queue-line").nth(2).waitFor();
      await page.getByRole("button", { name: "反馈", exact: true }).click();
      await page.getByText("阀门.png").first().waitFor();
      await page.locator("textarea").fill("阀门已更换，现场已清理");
      await page.getByRole("button", { name: "提交" }).click();
      await page.locator(".queue-line").nth(3).waitFor();
      assert.deepEqual(actions(hub, id), [], "nothing has reached the hub");
      await page.screenshot({ path: `${OUTPUT}phone-task-offline-${name}-zh.png`, fullPage: true });
      // The phone dies and starts again, still without a signal.
      await page.goto("about:blank");
      hub.down = false;
      await page.goto(`${url}/tasks/${id}`);
      await page.locator('.queue-line[data-state="done"]').nth(3).waitFor();
      assert.deepEqual(actions(hub, id), ["handle", "note", "feedback"]);
      const whole = hub.cases.get(id);
      assert.equal(whole.state, "feedback");
      const sent = whole.transitions.find((each) => each.action === "feedback").details.evidence;
      assert.deepEqual(
        hub.uploads.map((each) => each.sha256),
        sent.map((each) => each.sha256),
      );
      const note = whole.transitions.find((each) => each.action === "note");
      assert.match(note.reason, /到达现场（WGS-84：23\.03610，113\.14870，误差约 12 米）/);
      assert.deepEqual([...whole.files.values()][0].body, PIXEL, "the original bytes, unchanged");
    });
  });
}

test("the console opens in a dead zone after the phone was switched off", { skip: MOCK_ONLY }, async () => {
  await withPhone({}, async ({ page, context, url, hub }) => {
    const { id } = dispatched(hub);
    await enter(page, url);
    await page.locator(".task").waitFor();
    await until("the service worker and its files", () =>
      page.evaluate(async () => {
        const ready = await Promise.race([
          navigator.serviceWorker.ready,
          new Promise((go) => setTimeout(go, 50)),
        ]);
        const names = await caches.keys();
        const files = names[0] ? (await (await caches.open(names[0])).keys()).map((each) => each.url) : [];
        return (
          ready?.active?.state === "activated" &&
          files.length > 5 &&
          !files.some((each) => each.includes("/api/"))
        );
      }),
    );
    await until("the task in the phone", () =>
      page.evaluate(() => (JSON.parse(localStorage.getItem("gridwatch.phone")).cases ?? []).length === 1),
    );
    hub.down = true;
    hub.cut();
    await page.close();
    const again = await context.newPage();
    await again.goto(`${url}/tasks`);
    await again.getByText("中心暂时连不上").waitFor();
    await again.locator(".task-title a").click();
    await again.getByRole("button", { name: "接办", exact: true }).click();
    await again.locator(".queue-line").waitFor();
    await again.reload();
    await again.locator(".queue-line").waitFor();
    hub.down = false;
    await again.locator('.queue-line[data-state="done"]').waitFor();
    assert.deepEqual(actions(hub, id), ["handle"]);
  });
});

test("an answer that is lost does nothing twice", { skip: MOCK_ONLY }, async () => {
  await withPhone({}, async ({ page, url, hub }) => {
    const { id } = dispatched(hub);
    await enter(page, url, `/tasks/${id}`);
    await page.getByRole("button", { name: "接办", exact: true }).waitFor();
    hub.loseAnswers = true;
    await page.getByRole("button", { name: "接办", exact: true }).click();
    await until("the hub has done it", () => actions(hub, id).length > 0);
    hub.loseAnswers = false;
    await page.locator('.queue-line[data-state="done"]').waitFor();
    assert.deepEqual(actions(hub, id), ["handle"]);
  });
});

test("somebody was first: the phone says who, and its person decides", { skip: MOCK_ONLY }, async () => {
  await withPhone({}, async ({ page, url, hub }) => {
    const { id } = dispatched(hub);
    await enter(page, url, `/tasks/${id}`);
    await page.getByRole("button", { name: "接办", exact: true }).waitFor();
    hub.down = true;
    hub.cut();
    await page.locator('#link-state[data-link="lost"]').waitFor();
    await page.getByRole("button", { name: "到达现场" }).click();
    await page.locator(".queue-line").waitFor();
    hub.change(id, "handle", { username: "qian", display_name: "钱进" });
    hub.down = false;
    const line = page.locator('.queue-line[data-state="conflict"]');
    await line.getByText(/钱进 已先做了“接办”/).waitFor();
    await page.screenshot({ path: `${OUTPUT}phone-conflict-390-zh.png`, fullPage: true });
    await line.getByRole("button", { name: "仍要做" }).click();
    await page.locator('.queue-line[data-state="done"]').waitFor();
    assert.deepEqual(actions(hub, id), ["note"]);
  });
});

test("what the hub refuses is shown with its reason and can be given up", { skip: MOCK_ONLY }, async () => {
  await withPhone({ locale: "en-GB" }, async ({ page, url, hub }) => {
    const { id } = dispatched(hub);
    await enter(page, url, `/tasks/${id}`);
    await page.getByRole("button", { name: "Begin handling", exact: true }).waitFor();
    hub.down = true;
    hub.cut();
    await page.locator('#link-state[data-link="lost"]').waitFor();
    await page.getByRole("button", { name: "Begin handling", exact: true }).click();
    await page.locator(".queue-line").waitFor();
    // The case is settled by the office meanwhile, and this browser cannot know.
    hub.change(id, "settle", WANG, "物业已处理");
    hub.cases.get(id).version = 4;
    hub.down = false;
    await page.goto(`${url}/outbox`);
    const line = page.locator('.queue-line[data-state="refused"]');
    await line.getByText("not possible in this state").waitFor();
    await page.screenshot({ path: `${OUTPUT}phone-outbox-390-en.png`, fullPage: true });
    await line.getByRole("button", { name: "Give it up" }).click();
    await line.getByText("Give it up? This entry will be deleted.").waitFor();
    await line.getByRole("button", { name: "Give it up" }).click();
    await page.getByText("Everything has been sent").waitFor();
  });
});

test("a matter is reported with photo and position without a line and opens one case", {
  skip: MOCK_ONLY,
}, async () => {
  await withPhone({}, async ({ page, url, hub }) => {
    await enter(page, url, "/report");
    await page.getByRole("button", { name: "上报", exact: true }).click();
    await page.getByText("请选择类别").waitFor();
    await page.getByLabel("漏水").check();
    await page.locator("textarea").fill("三号楼地下室水管爆裂，积水 5 厘米");
    // A phone may throw the page away while its camera is open.
    await page.reload();
    assert.ok(await page.getByLabel("漏水").isChecked());
    assert.match(await page.locator("textarea").inputValue(), /三号楼地下室/);
    await page.locator(".photo input").setInputFiles(photoFile);
    await page.locator(".local-picture").waitFor();
    await page.getByRole("button", { name: "用手机定位" }).click();
    await page.getByText("已定位：23.03610，113.14870").waitFor();
    await page.screenshot({ path: `${OUTPUT}phone-report-filled-390-zh.png`, fullPage: true });
    hub.down = true;
    hub.cut();
    await page.getByRole("button", { name: "上报", exact: true }).click();
    await page.getByText("已保存，正在上报。").waitFor();
    hub.down = false;
    hub.loseAnswers = true;
    await until("the hub has the report", () => hub.cases.size === 1);
    hub.loseAnswers = false;
    await page.getByText(/已上报，事件编号/).waitFor();
    await until("the photo is there", () => hub.uploads.length === 1);
    assert.equal(hub.cases.size, 1, "one case, however often it was sent");
    assert.equal(hub.cases.get(1).category, "water_leak");
  });
});

test("a report by grid, by keyboard only", { skip: MOCK_ONLY }, async () => {
  await withPhone({ permissions: [], viewport: WIDE }, async ({ page, url, hub }) => {
    await enter(page, url, "/report");
    await page.locator('select[name="grid"] option').nth(2).waitFor({ state: "attached" });
    const to = (what, check) =>
      until(what, async () => {
        await page.keyboard.press("Tab");
        return page.evaluate(check);
      });
    await to("the first category", () => document.activeElement?.name === "category");
    await page.keyboard.press("Space");
    await to("the description", () => document.activeElement?.name === "description");
    await page.keyboard.type("楼道有烟味");
    await to("the grid", () => document.activeElement?.name === "grid");
    await page.keyboard.press("ArrowDown");
    await to("the button", () => document.activeElement?.type === "submit");
    await page.keyboard.press("Enter");
    await page.getByText(/已上报，事件编号/).waitFor();
    assert.equal(hub.cases.get(1).category, "gas_leak");
    assert.equal(hub.cases.get(1).site.id, "440605004012003");
  });
});

test("1000 tasks scroll, with at most 200 of them drawn", { skip: MOCK_ONLY }, async () => {
  await withPhone({}, async ({ page, url, hub }) => {
    for (let n = 0; n < 1000; n++) dispatched(hub, { place: { floor: String(n) } });
    await enter(page, url);
    await page.locator(".task").first().waitFor();
    await until("the count", async () => /1000/.test(await page.locator(".phone-count").innerText()));
    assert.ok((await page.locator(".task").count()) <= 200);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.locator('.task[data-case="1000"]').waitFor();
  });
});

test("the phone pages have pictures in both widths and languages, and axe finds nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const server = await openHub({ empty: true });
  const { id } = dispatched(server.hub);
  dispatched(server.hub, { kind: "door_held", severity: "P2" });
  const found = [];
  for (const [width, viewport] of [
    ["390", NARROW],
    ["1440", WIDE],
  ]) {
    for (const locale of ["zh-CN", "en-GB"]) {
      const colorScheme = locale === "zh-CN" ? "light" : "dark";
      const { page, context, faults } = await openPage(server.url, {
        viewport,
        locale,
        colorScheme,
        bypassCSP: true,
      });
      await enter(page, server.url);
      for (const [name, path, ready] of [
        ["tasks", "/tasks", ".task"],
        ["task", `/tasks/${id}`, ".task-head"],
        ["report", "/report", ".report"],
        ["outbox", "/outbox", "#main h1"],
      ]) {
        await page.goto(server.url + path);
        await page.locator(ready).first().waitFor();
        await page.locator('#link-state[data-link="live"]').waitFor();
        await page.screenshot({
          path: `${OUTPUT}phone-${name}-${width}-${locale.slice(0, 2)}.png`,
          fullPage: true,
        });
        found.push(...(await checkPage(page, `${name} ${width} ${locale}`)));
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wider > 0) found.push(`${name} ${width} ${locale} is ${wider} px wider than the window`);
      }
      found.push(...faults);
      await context.close();
    }
  }
  await server.stop();
  assert.deepEqual(found, []);
});
