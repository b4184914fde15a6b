// Requests to the server of this page. An error has the sentence that the server gave.

const token = document.querySelector("meta[name=explorer-token]").content;

export class ApiError extends Error {
  /** `absent`: what was asked does not exist yet; the message says how to make it. */
  constructor(message, status, absent) {
    super(message);
    this.status = status;
    this.absent = absent;
  }
}

async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The explorer does not answer: its server was ended or is not reachable.", 0, false);
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let said;
  try {
    said = JSON.parse(text);
  } catch {
    said = { error: text || `${answer.status} ${answer.statusText}` };
  }
  throw new ApiError(said.error, answer.status, said.absent === true);
}

/** Address of a request: a path below /api, and parameters (an object or URLSearchParams). */
export function address(path, params = {}) {
  const text = new URLSearchParams(params).toString();
  return `/api/${path}${text ? `?${text}` : ""}`;
}

/** JSON. */
export async function get(path, params = {}, signal = undefined) {
  return (await ask(address(path, params), { signal })).json();
}

const TYPES = {
  float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array,
  int16: Int16Array, int32: Int32Array, uint32: Uint32Array,
};

/** An array: `{values, shape, headers}`. */
export async function array(path, params = {}, signal = undefined) {
  const answer = await ask(address(path, params), { signal });
  const type = TYPES[answer.headers.get("X-Type")];
  if (!type) throw new ApiError(`The server sent values of an unknown type: ${answer.headers.get("X-Type")}.`, 0, false);
  return {
    values: new type(await answer.arrayBuffer()),
    shape: answer.headers.get("X-Shape").split(",").map(Number),
    headers: answer.headers,
  };
}

/** Change something on the server; answers JSON. */
export async function post(path, body) {
  const answer = await ask(address(path), {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Explorer-Token": token },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/** Of requests of which only the last counts: `const latest = onlyLatest(); await latest((signal) => get(…, signal))`.
 *  Returns undefined if another call came in between. */
export function onlyLatest() {
  let running = null;
  return async (start) => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    try {
      const found = await start(mine.signal);
      return running === mine ? found : undefined;
    } catch (error) {
      if (error.name === "AbortError" || running !== mine) return undefined;
      throw error;
    }
  };
}
