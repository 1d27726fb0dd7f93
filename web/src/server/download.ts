import type { Api } from "./api";

/** Has the browser download what the server has at a path. Rejects with `RequestError`. */
export async function download(api: Api, path: string, name: string): Promise<void> {
  await api.freshSession();
  const link = document.createElement("a");
  link.href = api.authenticatedUrl(path);
  link.download = name;
  link.click();
}
