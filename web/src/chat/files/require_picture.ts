import { texts } from "../../texts";

/** Rejects with a message for the reader if this browser cannot show a file as a picture. */
export async function requirePicture(file: File): Promise<void> {
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error(texts.settings.noPicture);
  });
  picture.close();
}
