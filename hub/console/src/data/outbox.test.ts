import { beforeEach, expect, test } from "vitest";
import type { OutboxItem, Sent } from "../logic/outbox";
import { OUTBOX_MAX, versionFor } from "../logic/outbox";
import { caseOf } from "../logic/sample";
import { type NewWork, Outbox, OutboxFull } from "./outbox";
import type { OutboxStore } from "./outbox-store";

/** A disk: what is written is there for the next page, whatever becomes of this one. */
class Disk implements OutboxStore {
  items = new Map<string, OutboxItem>();
  files = new Map<string, Blob>();
  full = false;
  async all() {
    return [...this.items.values()].map((each) => structuredClone(each));
  }
  async write(put: readonly OutboxItem[], remove: readonly string[] = []) {
    if (this.full && put.length > 0) throw new Error("the disk is full");
    for (const item of put) this.items.set(item.id, structuredClone(item));
    for (const id of remove) this.items.delete(id);
  }
  async putBytes(sha256: string, bytes: Blob) {
    this.files.set(sha256, bytes);
  }
  async bytes(sha256: string) {
    return this.files.get(sha256) ?? null;
  }
  async dropBytes(sha256: string) {
    this.files.delete(sha256);
  }
}

/** A hub that does each key once, as the real one. */
class Hub {
  version = 5;
  done: { key: string; what: string; version: number }[] = [];
  known = new Map<string, Sent>();
  line: "up" | "down" | "answers-lost" = "up";
  refuses: ReadonlySet<string> = new Set();
  send = async (item: OutboxItem, all: readonly OutboxItem[]): Promise<Sent> => {
    if (this.line === "down") return { is: "later", after_s: null };
    const sent = this.known.get(item.id) ?? this.work(item, versionFor(all, item));
    if (sent.is === "done") this.known.set(item.id, sent);
    return this.line === "answers-lost" ? { is: "later", after_s: null } : sent;
  };
  private work(item: OutboxItem, version: number): Sent {
    const what = item.work.kind === "action" ? item.work.action : item.work.kind;
    if (this.refuses.has(what)) return { is: "refused", code: "wrong-state", detail: "not now" };
    if (item.work.kind === "action") {
      if (version !== this.version) return { is: "conflict", current: caseOf({ version: this.version }) };
      this.version += 1;
    }
    this.done.push({ key: item.id, what, version });
    const id = item.work.kind === "report" ? 77 : (item.case ?? 0);
    return { is: "done", case: item.work.kind === "evidence" ? null : caseOf({ id, version: this.version }) };
  }
}

const action = (name: "handle" | "note" | "feedback", id = 1, version = 5): NewWork => ({
  case: id,
  report: null,
  title: "leak",
  work: { kind: "action", action: name, version, reason: null, details: {} },
});
const photo = (sha256: string, of: Partial<NewWork> = { case: 1 }): NewWork => ({
  case: null,
  report: null,
  title: "leak",
  ...of,
  work: { kind: "evidence", sha256, type: "image/jpeg", name: "a.jpg", bytes: 3 },
});

let disk: Disk;
let hub: Hub;
let outbox: Outbox;
beforeEach(() => {
  disk = new Disk();
  hub = new Hub();
  outbox = new Outbox(disk, hub.send);
});

/** Sends until there is nothing to send or patience is asked for. */
async function drain(box: Outbox): Promise<void> {
  while ((await box.step("zhou")) === 0);
}

const states = (box: Outbox) => box.items.value.map((each) => each.state);

test("what is done without a line is sent in its order, each on top of the one before", async () => {
  hub.line = "down";
  await outbox.add("zhou", action("handle"));
  await outbox.add("zhou", photo("aa"));
  await outbox.add("zhou", action("feedback"));
  await drain(outbox);
  expect(states(outbox)).toEqual(["waiting", "waiting", "waiting"]);
  hub.line = "up";
  await drain(outbox);
  expect(hub.done.map((each) => each.what)).toEqual(["handle", "evidence", "feedback"]);
  expect(hub.done.map((each) => each.version)).toEqual([5, 0, 6]);
  expect(states(outbox)).toEqual(["done", "done", "done"]);
});

test("an answer that is lost leads to the same key again and to one doing", async () => {
  hub.line = "answers-lost";
  await outbox.add("zhou", action("handle"));
  await drain(outbox);
  await drain(outbox);
  expect(states(outbox)).toEqual(["waiting"]);
  hub.line = "up";
  await drain(outbox);
  expect(hub.done).toHaveLength(1);
  expect(states(outbox)).toEqual(["done"]);
  expect(outbox.items.value[0]?.version_after).toBe(6);
});

test("a page that dies while sending leaves everything to the next one, under the same key", async () => {
  await outbox.add("zhou", action("handle"));
  await outbox.add("zhou", action("note"));
  let died = false;
  const dying = new Outbox(disk, (item, all) => {
    void hub.send(item, all);
    died = true;
    // The page is gone: its answer comes to nobody.
    return new Promise<Sent>(() => undefined);
  });
  await dying.read(true);
  void dying.step("zhou");
  await expect.poll(() => died).toBe(true);
  expect([...disk.items.values()].map((each) => each.state)).toEqual(["sending", "waiting"]);
  const next = new Outbox(disk, hub.send);
  await next.read(true);
  expect(states(next)).toEqual(["waiting", "waiting"]);
  await drain(next);
  expect(hub.done.map((each) => each.what)).toEqual(["handle", "note"]);
  expect(states(next)).toEqual(["done", "done"]);
});

test("what cannot be kept is not taken for done", async () => {
  disk.full = true;
  await expect(outbox.add("zhou", action("handle"))).rejects.toThrow("full");
  expect(outbox.items.value).toEqual([]);
});

test("what the hub refuses holds back the same case and nothing else", async () => {
  hub.refuses = new Set(["handle"]);
  await outbox.add("zhou", action("handle", 1));
  await outbox.add("zhou", action("feedback", 1));
  await outbox.add("zhou", photo("bb", { case: 2 }));
  await drain(outbox);
  expect(states(outbox)).toEqual(["refused", "waiting", "done"]);
  expect(outbox.items.value[0]?.problem?.detail).toBe("not now");
  await outbox.discard(outbox.items.value[0]?.id ?? "");
  await drain(outbox);
  expect(hub.done.map((each) => each.what)).toEqual(["evidence", "feedback"]);
});

test("a case that moved on waits for the person, who may do it all the same under a new key", async () => {
  const first = await outbox.add("zhou", action("handle", 1, 3));
  await drain(outbox);
  expect(states(outbox)).toEqual(["conflict"]);
  expect(hub.done).toEqual([]);
  const next = new Outbox(disk, hub.send);
  await next.read(true);
  await next.retry(first.id);
  await drain(next);
  expect(hub.done).toEqual([expect.objectContaining({ what: "handle", version: 5 })]);
  expect(hub.done[0]?.key).not.toBe(first.id);
});

test("photos of a report go to the case that it opens, and leave the disk once they are there", async () => {
  await disk.putBytes("cc", new Blob(["abc"]));
  const report: NewWork = {
    id: "r1",
    case: null,
    report: null,
    title: "leak",
    work: { kind: "report", body: { category: "other", description: "leak", area: "1", photos: [] } },
  };
  await outbox.add("zhou", report);
  await outbox.add("zhou", photo("cc", { case: null, report: "r1" }));
  await drain(outbox);
  expect(outbox.items.value.map((each) => each.case)).toEqual([77, 77]);
  expect(states(outbox)).toEqual(["done", "done"]);
  expect(disk.files.size).toBe(0);
});

test("giving up a report gives up its photos", async () => {
  hub.refuses = new Set(["report"]);
  await disk.putBytes("cc", new Blob(["abc"]));
  await outbox.add("zhou", {
    id: "r1",
    case: null,
    report: null,
    title: "leak",
    work: { kind: "report", body: { category: "other", description: "leak", photos: [] } },
  });
  await outbox.add("zhou", photo("cc", { case: null, report: "r1" }));
  await drain(outbox);
  expect(states(outbox)).toEqual(["refused", "waiting"]);
  await outbox.discard("r1");
  expect(outbox.items.value).toEqual([]);
  expect(disk.items.size).toBe(0);
  expect(disk.files.size).toBe(0);
});

test("nobody's work is sent by another person", async () => {
  await outbox.add("zhou", action("handle"));
  expect(await outbox.step("wang")).toBeNull();
  expect(hub.done).toEqual([]);
});

test("the queue says when it is full and loses nothing", async () => {
  hub.line = "down";
  for (let n = 0; n < OUTBOX_MAX; n++) await outbox.add("zhou", photo(`${n}`));
  await expect(outbox.add("zhou", action("note"))).rejects.toBeInstanceOf(OutboxFull);
  expect(disk.items.size).toBe(OUTBOX_MAX);
});

test("only the last ones that are done stay in the list", async () => {
  for (let n = 0; n < 30; n++) await outbox.add("zhou", photo(`${n}`));
  await drain(outbox);
  expect(outbox.items.value).toHaveLength(20);
  expect(outbox.items.value.at(-1)?.work).toMatchObject({ sha256: "29" });
});
