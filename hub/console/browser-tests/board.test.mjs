/** The board: what the duty officer does all night, in a real browser. */
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
  withHubAndPage,
} from "./browser.mjs";

before(openBrowser);
after(closeBrowser);

const COLLEAGUE = { username: "wang", display_name: "王芳" };
const DOOR = {
  kind: "door_forced",
  severity: "P2",
  site: "jinyuan",
  device: "modbus/plc-1/7",
  place: { building: "2" },
  reason: { zh: "门被打开", en: "The door opened" },
};

const ids = (page, list) =>
  page.locator(`${list} > li`).evaluateAll((rows) => rows.map((row) => Number(row.dataset.case)));

test("a wrong password is said plainly, and too many attempts say how long to wait", async (t) => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub }) => {
    await page.goto(url);
    const fill = async () => {
      await page.locator('input[name="username"]').fill("officer");
      await page.locator('input[name="password"]').fill("wrong-password");
      await page.locator('button[type="submit"]').click();
    };
    await fill();
    await page.getByText("用户名或密码不对").waitFor();
    if (hub === null) return t.diagnostic("the rate limit was not tried on a real hub");
    hub.attempts = 5;
    await fill();
    await page.getByText(/请在 \d+ 秒后再试/).waitFor();
    assert.equal(await page.locator('button[type="submit"]').isDisabled(), true);
  });
});

for (const [name, viewport] of [
  ["1440", WIDE],
  ["390", NARROW],
]) {
  test(`a P1 arrives live at ${name} pixels, unmistakable and without a reload`, {
    skip: MOCK_ONLY,
  }, async () => {
    await withHubAndPage({ empty: true, viewport }, async ({ page, url, hub }) => {
      await signIn(page, url);
      await page.getByText("当前没有特急事件").waitFor();
      const started = Date.now();
      const found = hub.add(SMOKE);
      const card = page.locator(`.p1-list > li[data-case="${found.id}"]`);
      await card.waitFor();
      assert.ok(Date.now() - started < 1500, "shown within 1.5 s");
      assert.match(await card.innerText(), /特急/);
      assert.match(await card.innerText(), /P1/);
      assert.match(await card.innerText(), /丽湖花园/);
      assert.equal(await card.locator("svg.shape-P1").count(), 1);
      await until("the spoken announcement", async () =>
        (await page.locator("#announce-p1").textContent())?.includes("厨房烟雾报警"),
      );
      assert.match(await page.title(), /特急 1/);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px wider than the window`);
      const box = await card.locator("button").boundingBox();
      assert.ok(box.height >= 44, "big enough for a finger");
    });
  });
}

test("one key acknowledges the P1 that waits, and the hub knows who it was", {
  skip: MOCK_ONLY,
}, async () => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub }) => {
    await signIn(page, url);
    const found = hub.add(SMOKE);
    await page.locator(`.p1-list > li[data-case="${found.id}"] kbd`).waitFor();
    await until("the acknowledgement", async () => {
      await page.keyboard.press("a");
      return hub.cases.get(found.id).acknowledged_at !== null;
    });
    assert.equal(hub.cases.get(found.id).acknowledged_by, "officer");
    await page.locator(".p1-list .p1-known").waitFor();
    assert.equal(hub.cases.get(found.id).version, 2, "acknowledged once");
  });
});

test("the sound is warned about until the shift starts, rings for a P1, and stops on acknowledging", {
  skip: MOCK_ONLY,
}, async () => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub }) => {
    await signIn(page, url);
    await page.locator(".strip-warning").waitFor();
    await page.locator(".shift-start").click();
    await page.locator(".shift-on").waitFor();
    await page.getByText("声音已开").waitFor();
    const first = hub.add(SMOKE);
    await page.locator(".strip-ringing").waitFor();
    await page.keyboard.press("m");
    await page.getByText("已静音").waitFor();
    const second = hub.add(SMOKE);
    await page.locator(".strip-ringing").waitFor();
    hub.change(first.id, "acknowledge", COLLEAGUE);
    hub.change(second.id, "acknowledge", COLLEAGUE);
    await page.locator(".strip-ringing").waitFor({ state: "detached" });
    await page.reload();
    await page.locator(".strip-warning").waitFor();
    await page.locator("h2").first().click();
    await page.getByText("声音已开").waitFor();
  });
});

test("what is under the cursor does not move when cases arrive and end", { skip: MOCK_ONLY }, async () => {
  await withHubAndPage({}, async ({ page, url, hub }) => {
    await signIn(page, url);
    await page.locator(".list > li").first().waitFor();
    const order = await ids(page, ".list");
    const under = page.locator(".list > li").nth(3);
    await under.hover();
    const place = await under.boundingBox();
    for (let i = 0; i < 3; i++) hub.add(DOOR, Date.now() - 3_600_000);
    hub.add(SMOKE);
    const first = hub.cases.get(order[0]);
    hub.change(first.id, "acknowledge", COLLEAGUE);
    hub.change(first.id, "file", COLLEAGUE, "已处理");
    hub.change(first.id, "close", COLLEAGUE, "已处理");
    await page.locator(".waiting").waitFor();
    await until("three waiting cases", async () =>
      (await page.locator(".waiting").innerText()).includes("3 起新事件"),
    );
    await page.locator(`.list > li[data-case="${first.id}"]`).getByText("已结案").waitFor();
    assert.deepEqual(await ids(page, ".list"), order, "the same rows in the same order");
    assert.deepEqual(await under.boundingBox(), place, "the row under the cursor has not moved");
    await page.mouse.move(200, 5);
    await until(
      "the list to follow again",
      async () => (await ids(page, ".list")).length === order.length + 2,
    );
    assert.equal((await ids(page, ".list")).includes(first.id), false);
  });
});

test("a list held by keyboard focus shows what waits and takes it in on N", { skip: MOCK_ONLY }, async () => {
  await withHubAndPage({}, async ({ page, url, hub }) => {
    await signIn(page, url);
    await page.locator(".list > li").first().waitFor();
    const p1 = (await ids(page, ".p1-list")).length;
    for (let i = 0; i < p1 + 2; i++) await page.keyboard.press("j");
    const order = await ids(page, ".list");
    const selected = Number(await page.locator(".list > li.is-selected").getAttribute("data-case"));
    assert.equal(selected, order[1]);
    hub.add(DOOR, Date.now() - 3_600_000);
    await page.locator(".waiting").waitFor();
    await page.keyboard.press("n");
    await until("the new row", async () => (await ids(page, ".list")).length === order.length + 1);
    assert.equal(Number(await page.locator(".list > li.is-selected").getAttribute("data-case")), selected);
    await page.keyboard.press("Enter");
    await page.locator(".case-head").waitFor();
    assert.equal(new URL(page.url()).pathname, `/cases/${selected}`);
    await page.keyboard.press("b");
    await page.locator(".board").waitFor();
    await page.keyboard.press("?");
    await page.locator("dialog[open]").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
  });
});

test("a line cut in the middle of a storm is shown in seconds and made up for without gap or double", {
  skip: MOCK_ONLY,
}, async () => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub }) => {
    await signIn(page, url);
    await page.mouse.move(200, 5);
    for (let i = 0; i < 20; i++) hub.add(DOOR);
    await until("20 rows", async () => (await ids(page, ".list")).length === 20);
    hub.down = true;
    hub.cut();
    await page.locator('#link-state[data-link="lost"]').waitFor();
    await until("the seconds in words", async () =>
      /连接中断 [1-9]\d* 秒/.test(await page.locator("#link-state").innerText()),
    );
    for (let i = 0; i < 20; i++) hub.add(DOOR);
    const fire = hub.add(SMOKE);
    hub.change(1, "acknowledge", COLLEAGUE);
    hub.down = false;
    await page.locator('#link-state[data-link="live"]').waitFor();
    await page.locator(`.p1-list > li[data-case="${fire.id}"]`).waitFor();
    await until("40 rows", async () => (await ids(page, ".list")).length === 40);
    hub.cut();
    for (let i = 0; i < 5; i++) hub.add(DOOR);
    await until("45 rows", async () => (await ids(page, ".list")).length === 45);
    const shown = await ids(page, ".list");
    assert.equal(new Set(shown).size, 45, "no case twice");
    await page.locator('.list > li[data-case="1"]').getByText("wang 已确认").waitFor();
  });
});

test("two pages of one browser share one stream", { skip: MOCK_ONLY }, async () => {
  await withHubAndPage({ empty: true }, async ({ page, context, url, hub }) => {
    await signIn(page, url);
    const other = await context.newPage();
    await other.goto(url);
    await other.locator('#link-state[data-link="live"]').waitFor();
    assert.equal(hub.streams.size, 1);
    const found = hub.add(SMOKE);
    for (const each of [page, other]) await each.locator(`li[data-case="${found.id}"]`).waitFor();
  });
});

test("without shared workers the page holds the stream itself", { skip: MOCK_ONLY }, async () => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub }) => {
    await page.addInitScript(() => {
      Reflect.deleteProperty(globalThis, "SharedWorker");
    });
    await signIn(page, url);
    const found = hub.add(SMOKE);
    await page.locator(`li[data-case="${found.id}"]`).waitFor();
  });
});

test("acknowledging what a colleague has just acknowledged is undone and says who was first", {
  skip: MOCK_ONLY,
}, async () => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub }) => {
    await signIn(page, url);
    const found = hub.add(SMOKE);
    const card = page.locator(`li[data-case="${found.id}"]`);
    await card.waitFor();
    // The colleague's change is committed but its event has not arrived here.
    hub.tell = () => undefined;
    hub.change(found.id, "acknowledge", COLLEAGUE);
    await card.locator("button.button-ack").click();
    await card.getByText(/没有执行：王芳已在 .* 确认/).waitFor();
    await card.getByText("wang 已确认").waitFor();
    assert.equal(hub.cases.get(found.id).version, 2);
  });
});

test("an acknowledgement that the hub never answered is not shown as done", { skip: MOCK_ONLY }, async () => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub }) => {
    await signIn(page, url);
    const found = hub.add(SMOKE);
    const card = page.locator(`li[data-case="${found.id}"]`);
    await card.waitFor();
    hub.down = true;
    await card.locator("button.button-ack").click();
    await card.getByText("没有得到中心的答复").waitFor();
    assert.equal(await card.locator("button.button-ack").count(), 1, "still to be acknowledged");
    hub.down = false;
  });
});

test("filters live in the address, survive a reload and never hide a P1", { skip: MOCK_ONLY }, async () => {
  await withHubAndPage({}, async ({ page, url }) => {
    await signIn(page, url);
    await page.locator(".chip").nth(1).click();
    await page.locator(".filter select").selectOption("jinyuan");
    await until("one P3 row", async () => (await ids(page, ".list")).length === 1);
    await page.reload();
    await page.locator(".list > li").first().waitFor();
    assert.equal((await ids(page, ".list")).length, 1);
    // A drill is on no board.
    assert.equal((await ids(page, ".p1-list")).length, 1);
  });
});

test("a console tells the hub that it is there, and whether it would be heard", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, faults } = await openPage(url);
  await signIn(page, url);
  await until("it is there, without sound", () => hub.consoles.at(-1)?.armed === false);
  await page.getByRole("button", { name: "开始值班", exact: true }).click();
  await until("it would be heard", () => hub.consoles.at(-1)?.armed === true);
  assert.equal(new Set(hub.consoles.map((each) => each.console)).size, 1, "one console");
  assert.deepEqual(faults, []);
  await stop();
});
