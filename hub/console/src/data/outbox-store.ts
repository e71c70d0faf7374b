/**
 * Where the queue is kept: IndexedDB, so that it survives a reload, a closed browser and an empty battery.
 * Every change is one transaction; what is confirmed to the person is on disk. Bytes of photos are in a
 * store of their own, by their hash, and leave it once the hub has them.
 */
import type { OutboxItem } from "../logic/outbox";

/** What the queue needs of a store; the unit tests have one in memory. */
export interface OutboxStore {
  all(): Promise<OutboxItem[]>;
  /** Puts and removes together or not at all. */
  write(put: readonly OutboxItem[], remove?: readonly string[]): Promise<void>;
  putBytes(sha256: string, bytes: Blob): Promise<void>;
  bytes(sha256: string): Promise<Blob | null>;
  dropBytes(sha256: string): Promise<void>;
}

const NAME = "gridwatch-outbox";
const ITEMS = "items";
const BYTES = "bytes";

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore(ITEMS, { keyPath: "id" });
      asked.result.createObjectStore(BYTES);
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => {
      opened = null;
      reject(asked.error ?? new Error("opening the queue"));
    };
  });
  return opened;
}

/** Resolves once the transaction is complete, which is when its changes are kept. */
async function within<T>(
  stores: string | string[],
  mode: IDBTransactionMode,
  run: (transaction: IDBTransaction) => IDBRequest<T> | null,
): Promise<T | undefined> {
  const database = await open();
  return new Promise((resolve, reject) => {
    // `strict`: written to the disk and not only handed to the system, where the browser knows it.
    const transaction = database.transaction(stores, mode, { durability: "strict" });
    const asked = run(transaction);
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = () => reject(transaction.error ?? new Error("keeping the queue"));
  });
}

export const diskStore: OutboxStore = {
  async all() {
    const found = await within<OutboxItem[]>(ITEMS, "readonly", (given) => given.objectStore(ITEMS).getAll());
    return found ?? [];
  },
  async write(put, remove = []) {
    await within(ITEMS, "readwrite", (given) => {
      const items = given.objectStore(ITEMS);
      for (const item of put) items.put(item);
      for (const id of remove) items.delete(id);
      return null;
    });
  },
  async putBytes(sha256, bytes) {
    // As a buffer: some browsers keep a Blob only as a reference to a file that may go away.
    const buffer = { type: bytes.type, buffer: await bytes.arrayBuffer() };
    await within(BYTES, "readwrite", (given) => given.objectStore(BYTES).put(buffer, sha256));
  },
  async bytes(sha256) {
    const found = await within<{ type: string; buffer: ArrayBuffer } | undefined>(
      BYTES,
      "readonly",
      (given) => given.objectStore(BYTES).get(sha256),
    );
    return found === undefined ? null : new Blob([found.buffer], { type: found.type });
  },
  async dropBytes(sha256) {
    await within(BYTES, "readwrite", (given) => {
      given.objectStore(BYTES).delete(sha256);
      return null;
    });
  },
};
