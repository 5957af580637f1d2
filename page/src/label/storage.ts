// Where answers wait: IndexedDB, localStorage where that is forbidden, and the page's own memory where both are.
import type { Entry, Keeper } from "./sending";

const NAME = "tacit.outbox";
const STORE = "answers";

export async function openStorage(): Promise<Keeper> {
  try {
    return new Database(await opened());
  } catch {
    return new Local();
  }
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => void asked.result.createObjectStore(STORE, { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("blocked"));
  });
}

class Database implements Keeper {
  constructor(private readonly db: IDBDatabase) {}

  private within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T> | void): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked?.result as T);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  all(): Promise<Entry[]> {
    return this.within("readonly", (store) => store.getAll());
  }
  put(entries: Entry[]): Promise<void> {
    return this.within("readwrite", (store) => entries.forEach((entry) => store.put(entry)));
  }
  drop(keys: string[]): Promise<void> {
    return this.within("readwrite", (store) => keys.forEach((key) => store.delete(key)));
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
