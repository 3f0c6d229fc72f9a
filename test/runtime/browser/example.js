/** The example of a page, in frames that stand for tabs: they share the database, and nothing else. */
import { assertEqual } from "../collect.js";

async function until(what) {
  for (let polls = 0; !what(); polls++) {
    if (polls > 5000) throw new Error(`it never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function loaded(frame, load) {
  const { promise, resolve } = Promise.withResolvers();
  frame.onload = resolve;
  load();
  await promise;
  const find = (name) => frame.contentDocument.querySelector(name);
  await until(() => find("p").textContent !== "");
  return {
    text: () => find("textarea").value,
    edits: () => Number.parseInt(find("p").textContent),
    type: (text) => {
      find("textarea").value = text;
      find("textarea").dispatchEvent(new Event("input"));
    },
    reload: () => loaded(frame, () => frame.contentWindow.location.reload()),
  };
}

function openTab() {
  const frame = document.createElement("iframe");
  frame.src = "/example/";
  return loaded(frame, () => document.body.append(frame));
}

export function registerExample({ it }) {
  it("examples/browser keeps a draft over reloads, and shows it in two tabs that both write", async () => {
    let first = await openTab();
    assertEqual(first.text(), "");
    first.type("Dear");
    await until(() => first.edits() === 1);
    first = await first.reload();
    assertEqual(first.text(), "Dear");
    const second = await openTab();
    assertEqual(second.text(), "Dear");
    second.type("Dear Alice");
    await until(() => first.text() === "Dear Alice");
    for (let i = 0; i < 10; i++) for (const tab of [first, second]) tab.type(`Dear Alice, ${i}`);
    await until(() => first.edits() === 22 && second.edits() === 22);
    for (const tab of [await first.reload(), await second.reload()]) {
      assertEqual(`${tab.edits()} ${tab.text()}`, "22 Dear Alice, 9");
    }
  });
}
