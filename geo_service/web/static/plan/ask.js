// Questions to the server, one at a time: while one is on its way the next waits, and of those that wait only the last goes.

export function lastWins(send, take, fail) {
  let isBusy = false;
  let next = null;
  let idle = Promise.resolve();

  async function run() {
    isBusy = true;
    while (next) {
      const sent = next;
      next = null;
      const start = performance.now();
      try {
        take(await send(sent), sent);
        performance.measure("step", { start }); // what somebody who drags waits for, seen in the browser's own tools
      } catch (error) {
        fail(error, sent);
      }
    }
    isBusy = false;
  }

  return (question) => {
    next = question;
    if (!isBusy) idle = run();
    return idle;
  };
}

export async function post(url, body) {
  const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const refusal = new Error(answer.detail ?? String(response.status));
  refusal.isRefusal = response.status < 500;
  throw refusal;
}
