// Where answers wait: IndexedDB, localStorage where that is forbidden, and the page's own memory where both are.
import type { Entry, Keeper } from "./sending";

const NAME = "tacit.outbox";
const STORE = "answers";
const AT_ONCE = 50;
const PATIENCE = 6000; // milliseconds; browsers have been seen that never answer

export async function openStorage(): Promise<Keeper> {
  try {
    return new Database(await opened());
  } catch {
    return new Local();
  }
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no answer")), PATIENCE);
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => void asked.result.createObjectStore(STORE, { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("blocked"));
  });
}

class Database implements Keeper {
  private readonly first = new Local();
  constructor(private readonly db: IDBDatabase) {}

  private within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T> | void): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked?.result as T);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  async all(): Promise<Entry[]> {
    const written = await this.within<Entry[]>("readonly", (store) => store.getAll());
    const known = new Set(written.map(({ key }) => key));
    return [...written, ...(await this.first.all().catch(() => [])).filter(({ key }) => !known.has(key))];
  }
  /** A few are first written where writing is done when the call returns: a tab may close before the database has them. */
  async put(entries: Entry[]): Promise<void> {
    const few = entries.length <= AT_ONCE ? entries : [];
    await this.first.put(few).catch(() => undefined); // it is full: the database has to be quick enough
    await this.within("readwrite", (store) => entries.forEach((entry) => store.put(entry)));
    await this.first.drop(few.map(({ key }) => key)).catch(() => undefined);
  }
  async drop(keys: string[]): Promise<void> {
    await this.first.drop(keys).catch(() => undefined);
    await this.within("readwrite", (store) => keys.forEach((key) => store.delete(key)));
  }
}

/** One value a key: two tabs never write the same. */
class Local implements Keeper {
  async all(): Promise<Entry[]> {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(`${NAME}.`));
    return names.map((name) => JSON.parse(localStorage.getItem(name)!) as Entry);
  }
  async put(entries: Entry[]): Promise<void> {
    for (const entry of entries) localStorage.setItem(`${NAME}.${entry.key}`, JSON.stringify(entry));
  }
  async drop(keys: string[]): Promise<void> {
    for (const key of keys) localStorage.removeItem(`${NAME}.${key}`);
  }
}
