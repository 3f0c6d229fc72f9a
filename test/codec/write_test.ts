import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { writeTagged } from "../../src/codec/write.ts";
import { isStateError } from "../../src/errors.ts";
import { goldenTexts } from "./golden_texts.ts";

const options = { depth: 1000 };

function refusesAt(value: unknown, path: string, name = path): void {
  throws(
    () => writeTagged(value, options),
    (error) => isStateError(error, "STATE_INVALID_VALUE") && error.details.path === path && error.message.includes(path),
    name,
  );
}

Deno.test("writeTagged() writes each kind as it has always been written", () => {
  for (const [text, value] of goldenTexts) equal(writeTagged(value, options), text);
});

Deno.test("writeTagged() refuses a toJSON that throws, gives an instance again, or a cycle", () => {
  class Self {
    toJSON(): unknown {
      return this;
    }
  }
  class Holder {
    toJSON(): unknown {
      return { child: this };
    }
  }
  class Endless {
    toJSON(): unknown {
      return [new Endless()];
    }
  }
  refusesAt({ a: new Self() }, "$.a");
  refusesAt({
    a: {
      toJSON: () => {
        throw new Error("no");
      },
    },
  }, "$.a");
  refusesAt({ a: { toJSON: () => () => 1 } }, "$.a");
  refusesAt({ a: Object.defineProperty({ x: 1 }, "toJSON", { value: () => () => 1 }) }, "$.a");
  refusesAt({ a: Object.defineProperty([1], "toJSON", { value: () => [, 1] }) }, "$.a[0]");
  throws(
    () => writeTagged([new Holder()], options),
    (error) => isStateError(error, "STATE_CIRCULAR") && error.details.path === "$[0].child" && error.details.to === "$[0]",
  );
  throws(() => writeTagged(new Endless(), options), (error) => isStateError(error, "STATE_TOO_LARGE"));
});

Deno.test("writeTagged() refuses everything else with its path", () => {
  class Point {
    x = 1;
  }
  // deno-lint-ignore no-sparse-arrays
  const holes = [1, , 3];
  const named = Object.assign([1], { name: "x" });
  const cases: Record<string, unknown> = {
    function: () => 1,
    symbol: Symbol("s"),
    "symbol key": { [Symbol("s")]: 1 },
    "hidden symbol key": Object.defineProperty({}, Symbol("s"), { value: 1, enumerable: false }),
    "symbol key of an array": Object.assign([1], { [Symbol("s")]: 1 }),
    "symbol key of a typed array": Object.assign(new Uint8Array(1), { [Symbol("s")]: 1 }),
    WeakMap: new WeakMap(),
    WeakSet: new WeakSet(),
    class: new Point(),
    "anonymous class": new (class {})(),
    number: Object(1),
    string: Object("s"),
    bigint: Object(1n),
    Error: new Error("x"),
    RegExp: /x/,
    Promise: Promise.resolve(),
    "extra on an array": named,
    match: "a".match(/a/),
    "extra on a Date": Object.assign(new Date(0), { x: 1 }),
    "extra on a Map": Object.assign(new Map(), { x: 1 }),
    shared: new SharedArrayBuffer(1),
    "view of shared": new Uint8Array(new SharedArrayBuffer(1)),
    resizable: new ArrayBuffer(1, { maxByteLength: 2 }),
    detached: detached(),
    "view of detached": viewOfDetached(),
    accessor: Object.defineProperty({}, Symbol.toStringTag, { get: () => "Map" }),
    proxy: new Proxy({}, {
      ownKeys: () => {
        throw new Error("no");
      },
    }),
    "revoked proxy": revoked(),
    "proxy of a Date": new Proxy(new Date(0), {}),
    "proxy of a Map": new Proxy(new Map(), {}),
    arguments: (function (): unknown {
      return arguments;
    })(),
    Math,
    globalThis,
    iterator: [1].values(),
    "Map subclass": new (class Map2 extends Map {})(),
    "subclass of the same name": new (class Map extends globalThis.Map {})(),
    "array subclass": new (class Rows extends Array {})(),
    "typed array subclass": new (class Embedding extends Float32Array {})(1),
    "heir of nothing": Object.create(Object.create(null)),
    "false Date": Object.create(Date.prototype),
    "false Map": Object.create(Map.prototype),
    "false array": Object.create(Array.prototype),
    "false bytes": Object.create(Uint8Array.prototype),
    "false buffer": Object.create(ArrayBuffer.prototype),
    "array that is none": Object.setPrototypeOf([1], Object.prototype),
  };
  for (const [name, value] of Object.entries(cases)) {
    refusesAt(value, "$", name);
    refusesAt({ tools: [1, { run: value }] }, "$.tools[1].run", name);
  }
  refusesAt(holes, "$[1]");
  refusesAt(new Array(4_294_967_295), "$[0]");
  refusesAt({
    get x() {
      throw new Error("no");
    },
  }, "$.x");
});

function viewOfDetached(): Uint8Array {
  const view = new Uint8Array(8);
  structuredClone(view, { transfer: [view.buffer] });
  return view;
}

function detached(): ArrayBufferLike {
  return viewOfDetached().buffer;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

Deno.test("writeTagged() writes a path as one would write it in JavaScript", () => {
  const bad = Symbol("bad");
  refusesAt({ "a b": bad }, '$["a b"]');
  refusesAt({ "": bad }, '$[""]');
  refusesAt({ "0": bad }, '$["0"]');
  refusesAt({ äöü_$1: bad }, "$.äöü_$1");
  refusesAt({ ["__proto__"]: bad }, "$.__proto__");
  refusesAt([[], [bad]], "$[1][0]");
  refusesAt(new Map<unknown, unknown>([[1, 2], [[bad], 3]]), "$.keys()[1][0]");
  refusesAt(new Map<unknown, unknown>([[1, 2], [3, { bad }]]), "$.values()[1].bad");
  refusesAt({ s: new Set([1, bad]) }, "$.s.values()[1]");
});

Deno.test("writeTagged() of a value that contains itself is STATE_CIRCULAR with both paths", () => {
  const list: unknown[] = [];
  const holder = { state: { list } };
  list.push(1, { up: holder.state });
  const map = new Map<unknown, unknown>();
  map.set("self", [map]);
  const cases: readonly [unknown, string, string][] = [
    [holder, "$.state.list[1].up", "$.state"],
    [list, "$[1].up.list", "$"],
    [map, "$.values()[0][0]", "$"],
    [{ ok: list, when: new Date(0) }, "$.ok[1].up.list", "$.ok"],
  ];
  for (const [value, path, to] of cases) {
    throws(() => writeTagged(value, options), (error) => {
      ok(isStateError(error, "STATE_CIRCULAR"));
      deepEqual(error.details, { path, to });
      return true;
    });
  }
});

Deno.test("writeTagged() stops writing beyond limits.valueBytes", () => {
  for (const value of ["x".repeat(100), [new Uint8Array(100)], Array.from({ length: 100 }, () => NaN)]) {
    throws(() => writeTagged([new Date(0), value], { depth: 9, valueBytes: 90 }), (error) => {
      return isStateError(error, "STATE_TOO_LARGE") && error.details.limit === "valueBytes" && error.details.actual > 90;
    });
  }
});
