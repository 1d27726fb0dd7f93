import { Paperclip } from "lucide-react";
import { useRef } from "react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";

/** A button that opens the file chooser for several files. */
export function AttachButton({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton icon={Paperclip} label={texts.attach} onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // The reader may choose the same file again.
          event.target.value = "";
        }}
      />
    </>
  );
}
