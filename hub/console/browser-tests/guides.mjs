/**
 * `npm run guides`: takes the pictures of the guides in docs/guides, in both languages, from the built
 * console against the development mock. Each role sees its own page as its guide tells of it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { closeBrowser, NARROW, openBrowser, openHub, openPage, signIn } from "./browser.mjs";

const IMAGES = fileURLToPath(new URL("../../../docs/guides/images/", import.meta.url));
/** What a picture may weigh at most, and the qualities that are tried until it does. */
const BYTES_MAX = 80 * 1024;
const QUALITIES = [80, 70, 60, 50, 40];
const DESK = { width: 1280, height: 760 };
const WANG = { username: "wang", display_name: "王芳" };

/** Takes a case to where the picture needs it, as officers and the unit would. */
function play(hub, id, steps) {
  const said = { feedback: "现场已处理，设备已更换" };
  const details = {
    file: { condition: "alarm_stands" },
    dispatch: { unit: "lihu-property" },
    feedback: { evidence: [] },
  };
  for (const step of steps) hub.change(id, step, WANG, said[step] ?? null, details[step] ?? {});
}

const startShift = (page) => page.locator(".shift-start").click();

const GUIDES = {
  "duty-officer": { user: "officer", path: "/", ready: ".p1-card", before: startShift },
  "shift-leader": {
    user: "shiftleader",
    path: "/admin/rosters",
    ready: ".admin-cards .panel",
    before: startShift,
    hub: ({ admin }) => {
      admin.takeovers.push({
        id: 1,
        area: "440605004",
        shift: "白班",
        shift_from: admin.shiftFrom,
        at: admin.shiftFrom,
        taken_by: "officer",
        taken_from: "li",
        note: "3 号楼消防泵在修，维修人员已登记",
        open_cases: 2,
        cases: [],
      });
    },
  },
  dispatcher: {
    user: "dispatcher",
    path: "/cases/5",
    ready: ".case-head",
    hub: (hub) => play(hub, 5, ["acknowledge", "file"]),
    before: startShift,
    after: async (page) => {
      await page
        .locator('.panel-actions button:has-text("派遣"), .panel-actions button:has-text("Dispatch")')
        .first()
        .click();
      await page.locator(".choices").first().waitFor();
    },
  },
  handler: { user: "worker", path: "/tasks/6", ready: ".task-head", viewport: NARROW },
  checker: {
    user: "checker",
    path: "/tasks/6",
    ready: ".task-head",
    viewport: NARROW,
    hub: (hub) => play(hub, 6, ["handle", "feedback", "check"]),
  },
  supervisor: {
    user: "supervisor",
    path: "/supervision",
    ready: ".trend canvas",
    before: startShift,
  },
  leader: { user: "leader", path: "/wall", ready: ".wall-rate" },
  administrator: { user: "admin", path: "/admin/directory", ready: ".admin-table" },
  auditor: { user: "auditor", path: "/admin/audit", ready: ".admin-table" },
  installer: {
    user: "admin",
    path: "/devices/gw-lihu-1",
    ready: ".walk",
    after: async (page) => {
      await page.locator(".walk summary").first().click();
      await page.locator(".walk").first().scrollIntoViewIfNeeded();
    },
  },
};

/** The picture as WebP, as good as fits. */
async function picture(context, page) {
  const session = await context.newCDPSession(page);
  for (const quality of QUALITIES) {
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
    const bytes = Buffer.from(data, "base64");
    if (bytes.length <= BYTES_MAX) return bytes;
  }
  throw new Error(`the picture is larger than ${BYTES_MAX} bytes at the lowest quality`);
}

async function take(name, language) {
  const guide = GUIDES[name];
  const { url, hub, stop } = await openHub();
  guide.hub?.(hub);
  const { page, context, faults } = await openPage(url, {
    viewport: guide.viewport ?? DESK,
    locale: language === "zh" ? "zh-CN" : "en-GB",
    hasTouch: guide.viewport === NARROW,
  });
  await signIn(page, url, guide.path, guide.user, guide.user);
  await guide.before?.(page);
  await page.locator(guide.ready).first().waitFor();
  await page
    .getByText(/^(正在载入…|Loading…)$/)
    .first()
    .waitFor({ state: "detached" });
  await guide.after?.(page);
  writeFileSync(`${IMAGES}${name}-${language}.webp`, await picture(context, page));
  await context.close();
  await stop();
  if (faults.length > 0) throw new Error(`${name} ${language}: ${faults.join("; ")}`);
}

mkdirSync(IMAGES, { recursive: true });
await openBrowser();
for (const name of Object.keys(GUIDES)) for (const language of ["zh", "en"]) await take(name, language);
await closeBrowser();
