/** A test runner for where there is none: it collects the tests, and somebody else runs them. */
export function createCollector() {
  const tests = [];
  const groups = [];
  return {
    tests,
    describe(name, body) {
      groups.push(name);
      body();
      groups.pop();
    },
    it(name, body) {
      tests.push({ name: [...groups, name].join(" › "), body });
    },
  };
}

/** What a test fails with, or null. */
export async function failureOf(body) {
  return await body().then(() => null, (error) => `${error}\n${error?.stack ?? ""}`);
}

export function assertEqual(actual, expected) {
  if (actual !== expected) throw new Error(`${actual} is not ${expected}`);
}
