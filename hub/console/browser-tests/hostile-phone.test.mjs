/**
 * The phone's pages with hostile texts in everything that they show: tasks, a task, and the queue of what is not sent
 * yet, which holds what a person typed and what a hub answered.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { closeBrowser, MOCK_ONLY, openBrowser, openHub, signIn } from "./browser.mjs";
import { addCase, CASE_PAGES_BETWEEN, fillHub, HALVES, now, pick, visible } from "./hostile-fill.mjs";
import { look, watchConsole, watched } from "./hostile-look.mjs";

before(openBrowser);
after(closeBrowser);

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

for (const [which, texts] of HALVES) {
  test(`the phone's tasks and its queue show the ${which} half of the hostile texts as text, and run none`, {
    skip: MOCK_ONLY,
  }, async () => {
    const found = await phonePages(texts);
    assert.deepEqual(found.slice(0, 20), [], `${found.length} faults`);
  });
}
