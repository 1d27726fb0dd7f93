import { expect, it, vi } from "vitest";
import { repeatable } from "../src/repeatable_import";

const ofChromium = (address: string) => new TypeError(`Failed to fetch dynamically imported module: ${address}`);

it("a script that could not be loaded is requested at another address each time", async () => {
  const load = vi.fn().mockRejectedValue(ofChromium("https://chat.example/page/part.js"));
  const importFrom = vi.fn(async (address: string) => {
    if (importFrom.mock.calls.length < 3) throw ofChromium(address);
    return "the part";
  });
  const repeated = repeatable(load, importFrom);
  for (let time = 0; time < 3; time++) await expect(repeated()).rejects.toThrow("dynamically imported");
  expect(await repeated()).toBe("the part");
  expect(load).toHaveBeenCalledOnce();
  const addresses = importFrom.mock.calls.map(([address]) => address);
  expect(new Set(addresses).size).toBe(3);
  for (const address of addresses) expect(address).toMatch(/^https:\/\/chat\.example\/page\/part\.js\?again=\d+$/);
});

it("where the browser requests it again by itself, its address stays", async () => {
  const load = vi.fn().mockRejectedValueOnce(new TypeError("error loading")).mockResolvedValue("the part");
  const repeated = repeatable(load);
  await expect(repeated()).rejects.toThrow("error loading");
  expect(await repeated()).toBe("the part");
});
