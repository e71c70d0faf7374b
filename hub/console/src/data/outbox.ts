/**
 * The queue at work: takes what a person does, keeps it, sends it in order and one at a time, and says
 * how each stands. Only one page of the browser sends; the others follow. What was being sent when the
 * page died is sent again under the same key, which the hub does once.
 */
import { computed, signal } from "@preact/signals";
import { newKey } from "../logic/key";
import {
  afterCrash,
  again,
  inOrder,
  nextToSend,
  OUTBOX_MAX,
  type OutboxItem,
  outlived,
  pause,
  type Sent,
  settle,
  type Work,
} from "../logic/outbox";
import type { OutboxStore } from "./outbox-store";

/** Sends one item; never throws. */
export type Sender = (item: OutboxItem, all: readonly OutboxItem[]) => Promise<Sent>;

export interface NewWork {
  case: number | null;
  report: string | null;
  title: string;
  work: Work;
  /** Names the item when something else must refer to it. */
  id?: string;
}

export class OutboxFull extends Error {
  constructor() {
    super(`more than ${OUTBOX_MAX} wait to be sent`);
    this.name = "OutboxFull";
  }
}

export class Outbox {
  /** All items, oldest first. */
  readonly items = signal<readonly OutboxItem[]>([]);
  /** What waits, is sent or needs the person. */
  readonly unsettled = computed(() => this.items.value.filter((each) => each.state !== "done"));
  private readonly store: OutboxStore;
  private readonly send: Sender;
  private readonly changed: () => void;
  private user: string | null = null;
  private running = false;
  private wake: (() => void) | null = null;
  private tries = 0;

  constructor(store: OutboxStore, send: Sender, changed: () => void = () => undefined) {
    this.store = store;
    this.send = send;
    this.changed = changed;
  }

  /** Reads what is kept. `crashed` when no other page of this browser can be sending. */
  async read(crashed: boolean): Promise<void> {
    const found = await this.store.all();
    if (crashed) {
      const restored = afterCrash(found);
      if (restored.length > 0) await this.store.write(restored);
      this.show(found, restored, []);
    } else this.show(found, [], []);
  }

  private show(base: readonly OutboxItem[], put: readonly OutboxItem[], remove: readonly string[]): void {
    const next = new Map(base.map((each) => [each.id, each]));
    for (const id of remove) next.delete(id);
    for (const each of put) next.set(each.id, each);
    this.items.value = inOrder(next.values());
  }

  private async write(put: readonly OutboxItem[], remove: readonly string[] = []): Promise<void> {
    await this.store.write(put, remove);
    this.show(this.items.peek(), put, remove);
    this.changed();
  }

  /** Keeps a piece of work; resolves once it is on disk. */
  async add(user: string, given: NewWork): Promise<OutboxItem> {
    const all = this.items.peek();
    if (all.filter((each) => each.state !== "done").length >= OUTBOX_MAX) throw new OutboxFull();
    const item: OutboxItem = {
      id: given.id ?? newKey(),
      order: Math.max(Date.now(), (all.at(-1)?.order ?? 0) + 1),
      user,
      made_at: new Date().toISOString(),
      case: given.case,
      report: given.report,
      title: given.title,
      work: given.work,
      state: "waiting",
      tries: 0,
      problem: null,
      version_after: null,
    };
    await this.write([item]);
    this.poke();
    return item;
  }

  /** Sends it all the same, on the case as it is now. */
  async retry(id: string): Promise<void> {
    const item = this.items.peek().find((each) => each.id === id);
    if (item === undefined) return;
    // What hangs on a report refers to its key: that key stays.
    const fresh = again(item, item.work.kind === "report" ? id : newKey());
    await this.write([fresh], fresh.id === id ? [] : [id]);
    this.poke();
  }

  /** The person gives it up; what hangs on a report that will never be a case goes with it. */
  async discard(id: string): Promise<void> {
    const gone = this.items
      .peek()
      .filter((each) => each.id === id || (each.report === id && each.case === null));
    await this.write(
      [],
      gone.map((each) => each.id),
    );
    for (const each of gone) await this.dropBytesOf(each);
    this.poke();
  }

  /** Photos leave the store when nothing waits for them any more. */
  private async dropBytesOf(item: OutboxItem): Promise<void> {
    if (item.work.kind !== "evidence") return;
    const { sha256 } = item.work;
    const needed = this.items
      .peek()
      .some((each) => each.state !== "done" && each.work.kind === "evidence" && each.work.sha256 === sha256);
    if (!needed) await this.store.dropBytes(sha256);
  }

  /** Tries at once, such as when the line is back. */
  poke(): void {
    this.tries = 0;
    this.wake?.();
  }

  /** Sends for this user until `stop`. */
  async run(user: string): Promise<void> {
    this.user = user;
    if (this.running) return this.poke();
    this.running = true;
    while (this.user !== null) {
      const wait = await this.step(this.user).catch(() => pause(6, null));
      if (this.user !== null && wait !== 0) await this.sleep(wait);
    }
    this.running = false;
  }

  stop(): void {
    this.user = null;
    this.wake?.();
  }

  private sleep(seconds: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = seconds === null ? undefined : setTimeout(resolve, seconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
  }

  /** Sends the next one. Gives how long to wait: 0 go on, null until something happens. */
  async step(user: string): Promise<number | null> {
    const next = nextToSend(this.items.peek(), user);
    if (next === null) return null;
    const sending: OutboxItem = { ...next, state: "sending", tries: next.tries + 1 };
    // Marked before it is sent: a page that dies from here on knows that it may have arrived.
    await this.write([sending]);
    const sent = await this.send(sending, this.items.peek());
    const changed = settle(this.items.peek(), next.id, sent);
    const old = outlived(
      this.items.peek().map((each) => changed.find((other) => other.id === each.id) ?? each),
    );
    await this.write(
      changed,
      old.map((each) => each.id),
    );
    if (sent.is === "done") await this.dropBytesOf(sending);
    if (sent.is === "signed-out") return null;
    if (sent.is !== "later") {
      this.tries = 0;
      return 0;
    }
    this.tries += 1;
    return pause(this.tries, sent.after_s);
  }
}
