/** All pages: languages, accessibility, hostile texts, and the pictures for people to look at. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
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
  visit,
  withHubAndPage,
} from "./browser.mjs";
import { LOOKS, shoot } from "./shots.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let server;
before(async () => {
  await openBrowser();
  server = await openHub();
});
after(async () => {
  await server.stop();
  await closeBrowser();
});

test("a case is filed under a condition, by keyboard only", { skip: MOCK_ONLY }, async () => {
  const { page, context, faults } = await openPage(server.url);
  await page.goto(`${server.url}/cases/5`);
  await page.locator('input[name="username"]:focus').waitFor();
  await page.keyboard.type("officer");
  await page.keyboard.press("Tab");
  await page.keyboard.type("officer");
  await page.keyboard.press("Enter");
  await page.locator(".case-head").waitFor();
  assert.equal(new URL(page.url()).pathname, "/cases/5", "the page asked for opens after signing in");
  await page.keyboard.press("a");
  await page.getByRole("button", { name: "立案", exact: true }).waitFor();
  await until("focus on the button that files", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => document.activeElement?.textContent.startsWith("立案"));
  });
  await page.keyboard.press("Enter");
  await until("focus on the first condition", () =>
    page.evaluate(() => document.activeElement?.getAttribute("type") === "radio"),
  );
  await page.keyboard.press("Enter");
  await page.getByText("请填写", { exact: true }).waitFor();
  await page.keyboard.press("Space");
  await until("focus in the reason", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => document.activeElement?.tagName === "TEXTAREA");
  });
  await page.keyboard.type("水泵房积水 3 厘米，已通知物业。");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".way-here").getByText("已立案").waitFor();
  await page.locator(".history").getByText("水泵房积水 3 厘米").waitFor();
  assert.equal(server.hub.cases.get(5).state, "filed");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a P1 is rejected by two persons: the second sees what the first proposes and why", {
  skip: MOCK_ONLY,
}, async () => {
  const two = await openHub({ empty: true });
  const { id } = two.hub.add(SMOKE);
  const enter = async (user) => {
    const opened = await openPage(two.url);
    await signIn(opened.page, two.url, `/cases/${id}`, user, user);
    await opened.page.locator(".case-head").waitFor();
    return opened;
  };
  const reject = async (page, button) => {
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.locator("textarea").fill("现场核实为做饭油烟");
    await page.getByRole("button", { name: "提交" }).click();
  };
  const auditor = await enter("auditor");
  await auditor.page.getByText("现在没有可做的操作").waitFor();
  const first = await enter("supervisor");
  await reject(first.page, "不予立案");
  await first.page.getByText("等待第二人确认（陈静 已提出）").waitFor();
  assert.equal(two.hub.cases.get(id).state, "reported");
  const second = await enter("supervisor2");
  await second.page.locator(".proposal").getByText("现场核实为做饭油烟").waitFor();
  await reject(second.page, "确认不予立案");
  await second.page.locator(".way-here").getByText("不予立案").waitFor();
  await first.page.locator(".way-here").getByText("不予立案").waitFor();
  for (const { context, faults } of [auditor, first, second]) {
    assert.deepEqual(faults, []);
    await context.close();
  }
  await two.stop();
});

test("a case goes from the officer to the unit and back until it is closed", {
  skip: MOCK_ONLY,
}, async () => {
  const one = await openHub({ empty: true });
  const { id } = one.hub.add({ ...SMOKE, kind: "water_leak", severity: "P3" });
  const enter = async (user) => {
    const opened = await openPage(one.url);
    await signIn(opened.page, one.url, `/cases/${id}`, user, user);
    await opened.page.locator(".case-head").waitFor();
    return opened;
  };
  const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
  const officer = await enter("officer");
  await press(officer.page, "立案");
  await officer.page.getByLabel("设备报警成立").check();
  await press(officer.page, "提交");
  await press(officer.page, "派遣");
  assert.ok(await officer.page.getByLabel("丽湖物业").isChecked(), "the unit whose duty it is, is suggested");
  await press(officer.page, "提交");
  await officer.page.locator(".case-clocks").getByText("丽湖物业").waitFor();
  const worker = await enter("worker");
  await press(worker.page, "接办");
  await press(worker.page, "反馈");
  await worker.page.locator('.reason input[type="file"]').setInputFiles({
    name: "阀门.jpg",
    mimeType: "image/jpeg",
    buffer: Buffer.from("a picture"),
  });
  await worker.page.getByText("阀门.jpg").waitFor();
  await worker.page.locator("textarea").fill("阀门已更换");
  await press(worker.page, "提交");
  await press(officer.page, "转核查");
  const blocked = officer.page.getByRole("button", { name: "结案", exact: true });
  await officer.page.getByText("尚无核查结果").waitFor();
  assert.ok(await blocked.isDisabled());
  await press(officer.page, "核查结果");
  await officer.page.getByLabel("是", { exact: true }).check();
  await officer.page.locator("textarea").fill("已查看照片");
  await press(officer.page, "提交");
  await blocked.click();
  await officer.page.getByLabel("现场处理完毕").check();
  await press(officer.page, "提交");
  await worker.page.locator(".way-here").getByText("已结案").waitFor();
  const sent = one.hub.cases.get(id).transitions.find((each) => each.action === "feedback").details;
  assert.match(sent.evidence[0].sha256, /^[0-9a-f]{64}$/);
  for (const { context, faults } of [officer, worker]) {
    assert.deepEqual(faults, []);
    await context.close();
  }
  await one.stop();
});

test("a drill cannot be taken for a real case", { skip: MOCK_ONLY }, async () => {
  const { page, context } = await openPage(server.url);
  await signIn(page, server.url, "/cases/8");
  await page.getByText("演练：不是真实险情").waitFor();
  await context.close();
});

test("a walk test tells what was pressed and what was not, and its alerts are on no board", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, context, faults } = await openPage(server.url);
  await signIn(page, server.url, "/devices/gw-lihu-1");
  const walk = page.locator(".walk").first();
  await walk.locator("summary").click();
  await walk.getByText("未按下的设备：1 台").waitFor();
  assert.equal(await walk.locator("tbody tr").count(), 1);
  assert.match(await walk.locator("tbody tr").innerText(), /0\.12 s/);
  assert.match(await walk.locator("tbody tr").innerText(), /未知：设备不带时间/);
  await page.goto(server.url);
  await page.locator(".p1-list > li").first().waitFor();
  assert.equal(await page.locator(".is-drill").count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a message that nobody understood becomes a profile to copy or download", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, context, faults } = await openPage(server.url);
  await signIn(page, server.url, "/devices/gw-lihu-1");
  await page.getByRole("button", { name: "生成设备档案" }).first().click();
  const dialog = page.locator("dialog[open]");
  await dialog.locator("textarea").waitFor();
  assert.match(await dialog.locator("textarea").inputValue(), /schema = 1[\s\S]*tele\/boiler\/SENSOR/);
  const loading = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "下载" }).click();
  assert.equal((await loading).suggestedFilename(), "new-device.toml");
  await dialog.getByRole("button", { name: "复制" }).click();
  await dialog
    .getByRole("status")
    .filter({ hasText: /已复制|Ctrl\+C/ })
    .waitFor();
  await dialog.getByRole("button", { name: "关闭" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("a session that ended leads to sign-in and back to the same page", { skip: MOCK_ONLY }, async () => {
  const { page, context } = await openPage(server.url);
  await signIn(page, server.url, "/cases/2");
  await page.locator(".case-head").waitFor();
  server.hub.sessions.clear();
  server.hub.cut();
  await page.getByText("登录已过期").waitFor();
  await page.locator('input[name="username"]').fill("officer");
  await page.locator('input[name="password"]').fill("officer");
  await page.locator('button[type="submit"]').click();
  await page.locator(".case-head").waitFor();
  assert.equal(new URL(page.url()).pathname, "/cases/2");
  await context.close();
});

test("the language follows the browser, can be switched, and is told to readers", async () => {
  for (const [locale, lang, heading] of [
    ["zh-CN", "zh-CN", "登录值班台"],
    ["en-GB", "en", "Sign in to the duty console"],
  ]) {
    const { page, context } = await openPage(server.url, { locale });
    await page.goto(server.url);
    await page.getByRole("heading", { name: heading }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
    await page.locator("button.language").click();
    const other = lang === "en" ? "zh-CN" : "en";
    await until(
      "the other language",
      async () => (await page.evaluate(() => document.documentElement.lang)) === other,
    );
    await page.reload();
    await page.locator(".sign-in-form").waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), other, "the choice lasts");
    await context.close();
  }
});

const HOSTILE = [
  `<img src=x onerror="globalThis.hacked=1">`,
  `"><script>globalThis.hacked=1</script>`,
  `<svg/onload=globalThis.hacked=1>`,
  `javascript:globalThis.hacked=1`,
  `'-globalThis.hacked=1-'`,
  `{{constructor.constructor('globalThis.hacked=1')()}}`,
  `\u202egnp.exe\u202c <iframe srcdoc="<script>parent.hacked=1</script>">`,
  `</textarea></title></style><style>*{display:none}</style>`,
  "A".repeat(3000),
  "__proto__",
];

test("hostile texts in every field that a device or person fills execute nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const hostile = await openHub({ empty: true });
  for (const bad of HOSTILE) {
    const two = { zh: bad, en: bad };
    const found = hostile.hub.add({
      kind: "smoke",
      severity: "P1",
      title: two,
      siteName: two,
      site: "lihu",
      device: bad,
      known: false,
      rule: bad,
      place: { building: bad, unit: bad, floor: bad, room: bad },
      reason: two,
      because: two,
      evidence: [
        { device: bad, kind: "smoke", value: bad, unit: bad, at: new Date().toISOString(), received_at: "" },
      ],
    });
    found.category_name = two;
    found.related_reason = two;
    found.area_path = [{ code: bad, level: "grid", name: two }];
    hostile.hub.add({
      kind: bad,
      severity: "P2",
      title: two,
      siteName: two,
      site: bad,
      device: bad,
      place: { room: bad },
      reason: two,
    });
    hostile.hub.change(found.id, "acknowledge", { username: bad, display_name: bad }, bad);
  }
  const bad = HOSTILE[0];
  const gateway = hostile.hub.gateways.get("gw-lihu-1");
  gateway.agent_version = bad;
  gateway.faults = [
    { code: bad, subject: bad, since: new Date().toISOString(), detail: { zh: bad, en: bad } },
  ];
  hostile.hub.sites = [
    { id: "lihu", name: { zh: bad, en: bad }, grid: bad, address: { zh: bad, en: bad }, building_code: bad },
  ];
  hostile.hub.hazards = [{ code: "hz", name: { zh: bad, en: bad }, category: bad, lat: 23.03, lon: 113.14 }];
  hostile.hub.devices = () =>
    HOSTILE.map((each) => ({
      device: each,
      profile: each,
      known: false,
      state: "online",
      last_seen: new Date().toISOString(),
      place: { room: each },
      kinds: [each],
      gateway: "gw-lihu-1",
      last_reading: { kind: each, unit: each, point: [0, each] },
    }));
  const time = new Date().toISOString();
  const told = { device: bad, place: { room: bad }, kind: bad, alert: bad, received_at: time, refused: bad };
  hostile.hub.commissionings = () => ({
    items: [
      {
        id: bad,
        by: bad,
        agent_version: bad,
        started_at: time,
        ended_at: time,
        arrived_at: time,
        clock: "unsure",
        ended_because: "asked",
        chosen: [],
        expect_all: true,
        tested: [told],
        missing: [told],
        result: "failed",
      },
    ],
    test_alerts: [{ ...told, id: bad, arrived_at: time, raised_at: time, case: 1 }],
  });
  hostile.hub.quarantine = () =>
    HOSTILE.map((each) => ({
      source: each,
      reason: each,
      sample: each,
      count: 1,
      last_seen: new Date().toISOString(),
    }));

  const { page, context, faults } = await openPage(hostile.url, { viewport: NARROW });
  await signIn(page, hostile.url);
  const narrow = async (where) => {
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wider <= 0, `${where} is ${wider} px wider than the window`);
  };
  await page
    .locator(".p1-list > li")
    .nth(HOSTILE.length - 1)
    .waitFor();
  await narrow("the board");
  for (let id = 1; id <= HOSTILE.length * 2; id++) {
    await visit(page, `/cases/${id}`);
    await page.getByText(hostile.hub.cases.get(id).number).waitFor();
    await page.locator(".chart-box canvas").first().waitFor();
    await narrow(`case ${id}`);
    if (id === 1) assert.equal(await page.locator("h1").innerText(), HOSTILE[0], "shown as it is written");
  }
  await page.goto(`${hostile.url}/devices`);
  await page.locator(".gateway").first().waitFor();
  await narrow("the gateways");
  await page.goto(`${hostile.url}/devices/gw-lihu-1`);
  await page.locator(".table tbody tr").first().waitFor();
  await page.locator(".quarantine li").first().waitFor();
  for (const walk of await page.locator(".walk summary").all()) await walk.click();
  await narrow("the gateway");
  for (const [path, ready] of [
    ["/tasks", ".task"],
    ["/tasks/1", ".task-head"],
    ["/cases/1/sheet", ".sheet-signs"],
    ["/map?at=hazard%3Ahz", ".map-row-current"],
    ["/supervision", ".rates tbody tr"],
    ["/report", ".report"],
    ["/wall", ".wall-case"],
  ]) {
    await page.goto(hostile.url + path);
    await page
      .locator(ready)
      .first()
      .waitFor({ state: path === "/wall" ? "attached" : "visible" });
    await narrow(path);
  }
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  assert.equal(await page.locator("iframe, img, main script").count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
  await hostile.stop();
});

/** What axe finds on a page that matters: serious or critical. */
async function axe(page, where) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.addScriptTag({ path: AXE });
  const violations = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const result = await globalThis.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return result.violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      target: nodes[0].target,
      why: nodes[0].failureSummary,
    }));
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, target, why }) => `${where}: ${id} at ${target}: ${why}`);
}

test("every page in both widths, languages and colours has its picture, and axe finds nothing serious", async () => {
  const waiting = [...LOOKS];
  const found = [];
  const worker = async () => {
    for (let look = waiting.pop(); look !== undefined; look = waiting.pop()) {
      // Wide and narrow, light and dark are each checked once; the language changes no colour.
      const checked = (look.colorScheme === "light") === look.locale.startsWith("zh");
      found.push(...(await shoot(server.url, look, checked ? axe : undefined)));
    }
  };
  await Promise.all([worker(), worker()]);
  assert.deepEqual(found, []);
});

test("twice the text size needs no scrolling sideways", { skip: MOCK_ONLY }, async () => {
  const { page, context } = await openPage(server.url, { viewport: { width: 720, height: 450 } });
  await signIn(page, server.url);
  const paths = ["/", "/cases/1", "/devices", "/devices/gw-lihu-1", "/map", "/supervision", "/admin/rosters"];
  for (const path of [...paths, "/tasks", "/tasks/1", "/report", "/outbox", "/cases/1/sheet"]) {
    await page.goto(server.url + path);
    await page.locator("main h1, main h2").first().waitFor();
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wider <= 0, `${path} is ${wider} px wider than the window`);
  }
  await context.close();
});

test("what cannot be drawn takes nothing else with it, and comes back with new data", {
  skip: MOCK_ONLY,
}, async () => {
  await withHubAndPage({ empty: true }, async ({ page, url, hub, faults }) => {
    const smoke = hub.add(SMOKE);
    const other = hub.add({ ...SMOKE, site: "lihu", device: "zigbee2mqtt/烟感-1407" });
    // An answer that no hub gives, as another version of it might.
    const without = (pattern, spoil) =>
      page.route(pattern, async (route) => {
        const answer = await route.fetch();
        const body = await answer.json();
        spoil(body);
        await route.fulfill({ response: answer, json: body });
      });
    await without("**/api/v1/cases?*", (body) => {
      for (const found of body.items) if (found.id === other.id) delete found.kinds;
    });
    await signIn(page, url);
    await page.locator(`[data-case="${smoke.id}"]`).waitFor();
    await page.getByText(`${other.number}显示不出来`).waitFor();

    await without("**/series?*", (body) => {
      for (const series of body.series) delete series.device;
    });
    await page.locator(`[data-case="${smoke.id}"] a`).first().click();
    await page.getByText("报警前后的读数显示不出来").waitFor();
    hub.change(smoke.id, "acknowledge", { username: "wang", display_name: "王芳" });
    await page.locator(".history").getByText("王芳").first().waitFor();
    await page.unroute("**/series?*");
    await page.locator(".note-bad").getByRole("button", { name: "重试" }).waitFor();
    smoke.alerts[0].revisions += 1;
    hub.change(smoke.id, "verify", { username: "wang", display_name: "王芳" });
    await page.locator(".chart-box").waitFor();

    const expected = faults.splice(0);
    assert.ok(expected.length > 0, "a fault was not told to the browser");
    for (const fault of expected) assert.match(fault, /^script error: /);
  });
});
