/** Files that were pasted or dropped. */

/** Returns the files without folders, which browsers hand out as files that cannot be read. */
export function transferredFiles(transfer: DataTransfer | null): File[] {
  return [...(transfer?.items ?? [])]
    .filter((item) => item.kind === "file" && item.webkitGetAsEntry()?.isDirectory !== true)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null);
}

/** Returns the pasted files; none for a text, to which office programs add a picture of it. */
export function pastedFiles(transfer: DataTransfer): File[] {
  const isText = transfer.types.includes("text/plain") && transfer.types.includes("text/html");
  return isText ? [] : transferredFiles(transfer);
}
