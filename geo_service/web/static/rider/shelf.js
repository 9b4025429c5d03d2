/*
A small shelf on the phone: IndexedDB, or memory while the page is open if the browser refuses it (a private window, a full disk).

Files are copies of what the server sent, facts are single values, sayings wait to be sent (see queue.js).
*/

const NAME = "geo-service";
const STORES = ["files", "facts", "sayings"];

const memory = Object.fromEntries(STORES.map((store) => [store, new Map()]));
let opening = null;

function open() {
  opening ??= new Promise((resolve) => {
    let asked;
    try {
      asked = indexedDB.open(NAME, 1);
    } catch {
      resolve(null); // some browsers throw where others fail
      return;
    }
    asked.onupgradeneeded = () => {
      for (const store of STORES) asked.result.createObjectStore(store);
    };
    asked.onsuccess = () => {
      const database = asked.result;
      // a newer page wants another form: give way, and open again when needed
      database.onversionchange = () => {
        database.close();
        opening = null;
      };
      resolve(database);
    };
    asked.onerror = asked.onblocked = () => resolve(null);
  });
  return opening;
}

async function withStore(store, mode, ask) {
  const database = await open();
  if (!database) return undefined;
  try {
    return await new Promise((resolve, reject) => {
      const turn = database.transaction(store, mode);
      const asked = ask(turn.objectStore(store));
      turn.oncomplete = () => resolve({ value: asked.result });
      turn.onabort = turn.onerror = () => reject(turn.error);
    });
  } catch {
    return undefined; // no room, or taken away: memory has it
  }
}

export async function read(store, key) {
  if (memory[store].has(key)) return memory[store].get(key);
  return (await withStore(store, "readonly", (shelf) => shelf.get(key)))?.value;
}

/** Put it down; says whether it will outlive the page. */
export async function write(store, key, value) {
  const done = await withStore(store, "readwrite", (shelf) => shelf.put(value, key));
  if (done) memory[store].delete(key);
  else memory[store].set(key, value);
  return Boolean(done);
}

export async function remove(store, key) {
  memory[store].delete(key);
  await withStore(store, "readwrite", (shelf) => shelf.delete(key));
}

export async function all(store) {
  const held = (await withStore(store, "readonly", (shelf) => shelf.getAll()))?.value ?? [];
  return [...held, ...memory[store].values()];
}

export async function clearFiles() {
  await withStore("files", "readwrite", (shelf) => shelf.clear());
}

export const readFile = (path) => read("files", path);
export const writeFile = (path, copy) => write("files", path, copy);
export const readFact = (name) => read("facts", name);
export const writeFact = (name, value) => write("facts", name, value);
