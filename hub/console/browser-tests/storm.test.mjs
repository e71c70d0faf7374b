/**
 * What goes wrong while many alerts come in: the line is cut in the middle of 500 of them, with one stream for
 * the whole browser and without, against the simulated hub and a real one; two officers act on one case.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
import { closeBrowser, MOCK_ONLY, openBrowser, openHub, openPage, signIn, until } from "./browser.mjs";
import { startFront } from "./front.mjs";
import { hubProgram, OFFICER_PASSWORD, startHub, startLine } from "./hub.mjs";

before(openBrowser);
after(closeBrowser);

/** Alerts of a storm; the line is cut after the first part and is back after the second. */
const STORM = 500;
/** A busy machine needs this long to draw them all. */
const STORM_MS = 60_000;
const BEFORE_CUT = 180;
const DURING_CUT = 240;
const DOOR = {
  kind: "door_forced",
  severity: "P2",
  site: "jinyuan",
  device: "modbus/plc-1/7",
  place: { building: "2" },
  reason: { zh: "门被打开", en: "The door opened" },
};

const WITHOUT_SHARED_WORKER = () => Reflect.deleteProperty(globalThis, "SharedWorker");

/** Every case that the board shows while its list is scrolled from end to end, as often as it shows it. */
async function allRows(page) {
  return page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const boxes = [document.scrollingElement, ...document.querySelectorAll(".board, .board *")];
    const far = (each) => each.scrollHeight - each.clientHeight;
    const box = boxes.sort((a, b) => far(b) - far(a))[0];
    const seen = new Set();
    let twice = 0;
    for (let top = 0; ; top += box.clientHeight / 2) {
      box.scrollTop = top;
      await frame();
      const ids = [...document.querySelectorAll(".list > li[data-case]")].map((row) => row.dataset.case);
      twice += ids.length - new Set(ids).size;
      for (const id of ids) seen.add(id);
      if (top >= far(box)) break;
    }
    box.scrollTop = 0;
    return { ids: [...seen].map(Number), twice };
  });
}

/** The board shows every one of `expected` once and nothing else. */
async function showsEachOnce(page, given) {
  const expected = [...given];
  let last = { ids: [], twice: 0 };
  await until(
    "a row for every case",
    async () => {
      last = await allRows(page);
      return last.ids.length >= expected.length;
    },
    STORM_MS,
  );
  const { ids, twice } = last;
  assert.equal(twice, 0, "no case twice");
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    expected.sort((a, b) => a - b),
  );
}

for (const [name, shared] of [
  ["one stream for the whole browser", true],
  ["a stream in the page itself", false],
]) {
  test(`a storm of ${STORM} alerts over a line that is cut leaves no gap and no double, with ${name}`, {
    skip: MOCK_ONLY,
  }, async () => {
    const { url, hub, stop } = await openHub({ empty: true });
    const { page, context, faults } = await openPage(url);
    if (!shared) await page.addInitScript(WITHOUT_SHARED_WORKER);
    const storm = async (count) => {
      for (let sent = 0; sent < count; sent++) {
        hub.add(DOOR);
        if (sent % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    try {
      await signIn(page, url);
      await page.mouse.move(200, 5);
      await storm(BEFORE_CUT);
      hub.down = true;
      hub.cut();
      await page.locator('#link-state[data-link="lost"]').waitFor();
      await storm(DURING_CUT);
      await until("the banner counting the seconds", async () =>
        /连接中断 [1-9]\d* 秒/.test(await page.locator("#link-state").innerText()),
      );
      const old = (await allRows(page)).ids.length;
      assert.ok(old <= BEFORE_CUT, "what came after the cut cannot be known yet");
      hub.down = false;
      await page.locator('#link-state[data-link="live"]').waitFor();
      await storm(STORM - BEFORE_CUT - DURING_CUT);
      await showsEachOnce(page, hub.cases.keys());
      assert.equal(hub.cases.size, STORM);
      assert.deepEqual(faults, []);
    } finally {
      await context.close();
      await stop();
    }
  });
}

test(`a real hub's ${STORM} alerts over a line that is cut are each one case on the board`, {
  skip: hubProgram() === null && "needs a hub: `cargo build -p hub`, or GRIDWATCH_HUB",
}, async () => {
  // Floods have tests of their own; here every case must be a row.
  const more = ["[correlation]", "flood_begins_above = 10000"];
  const hub = await startHub({ officers: [{ name: "officer", role: "duty_officer" }], more });
  const front = await startFront(hub.url);
  const line = await startLine(front.url);
  const { page, context, faults } = await openPage(line.url);
  const storm = async (count) => {
    const alerts = Array.from({ length: count }, () => hub.gateway.alert({}));
    const { body } = await hub.gateway.batch(alerts);
    assert.ok(body.items.every(({ status }) => status === "accepted"));
  };
  try {
    await signIn(page, line.url, "/", "officer", OFFICER_PASSWORD);
    await page.mouse.move(200, 5);
    for (let sent = 0; sent < BEFORE_CUT; sent += 20) await storm(20);
    line.cut();
    await page.locator('#link-state[data-link="lost"]').waitFor();
    await storm(DURING_CUT);
    line.mend();
    await page.locator('#link-state[data-link="live"]').waitFor();
    for (let sent = BEFORE_CUT + DURING_CUT; sent < STORM; sent += 20) await storm(20);
    await showsEachOnce(
      page,
      Array.from({ length: STORM }, (_, index) => index + 1),
    );
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
    await line.stop();
    await front.stop();
    await hub.stop();
  }
});

test("of two officers on one case the second reads who was first, keeps what was written, and nothing is lost", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { id } = hub.add({ ...SMOKE, kind: "water_leak", severity: "P3" });
  const enter = async (user) => {
    const opened = await openPage(url);
    await signIn(opened.page, url, `/cases/${id}`, user, user);
    await opened.page.locator(".case-head").waitFor();
    return opened;
  };
  const first = await enter("officer");
  const second = await enter("supervisor");
  const WRITTEN = "现场电话核实：物业已关阀门，水位 3 厘米";
  try {
    await second.page.getByRole("button", { name: "备注", exact: true }).click();
    await second.page.locator("textarea").fill(WRITTEN);
    // The first officer's step is committed; its event has not reached the second one's screen yet.
    const tell = hub.tell;
    hub.tell = () => undefined;
    await first.page.getByRole("button", { name: "立案", exact: true }).click();
    await first.page.getByLabel("设备报警成立").check();
    await first.page.getByRole("button", { name: "提交" }).click();
    await first.page.locator(".way-here").getByText("已立案").waitFor();
    await second.page.getByRole("button", { name: "提交" }).click();
    await second.page.getByText(/没有执行：李明已在 .* 立案/).waitFor();
    assert.equal(hub.cases.get(id).state, "filed", "what the first one did stands");
    assert.equal(hub.cases.get(id).transitions.length, 2, "the second one's step was not taken");
    await second.page.locator(".way-here").getByText("已立案").waitFor();
    assert.equal(
      await second.page.locator("textarea").inputValue(),
      WRITTEN,
      "what was written is still there",
    );
    await second.page.getByRole("button", { name: "提交" }).click();
    await second.page.locator(".history").getByText(WRITTEN).waitFor();
    const steps = hub.cases.get(id).transitions.map((each) => [each.action, each.actor]);
    assert.deepEqual(steps.slice(1), [
      ["file", "officer"],
      ["note", "supervisor"],
    ]);
    hub.tell = tell;
    for (const { faults } of [first, second]) assert.deepEqual(faults, []);
  } finally {
    await first.context.close();
    await second.context.close();
    await stop();
  }
});
