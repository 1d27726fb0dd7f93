import type { Attachment } from "@talkwire/client";
import { useEffect, useState } from "react";
import { decodedText } from "../../chat/files/text_encoding";
import type { TextPreview } from "../../chat/files/text_preview";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { useChat } from "../page/chat_context";
import "./text_dialog.css";

/** Shows the beginning of a text file. */
export default function TextDialog({ file, onClose }: { file: Attachment; onClose: () => void }) {
  const { files } = useChat();
  const [preview, setPreview] = useState<TextPreview | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let current = true;
    files.textOf(file).then(
      (loaded) => current && setPreview(loaded),
      (error: Error) => current && setProblem(error.message),
    );
    return () => {
      current = false;
    };
  }, [files, file]);
  return (
    <Dialog title={file.name} onClose={onClose} className="text-file large">
      {preview === null && problem === "" && <p className="note">{texts.loading}</p>}
      {preview !== null && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long text is scrolled with the keyboard
        <pre tabIndex={0} dir="auto">
          {decodedText(preview.bytes, preview.isWhole, navigator.languages)}
        </pre>
      )}
      {preview?.isWhole === false && <p className="hint">{texts.textFile.isCut}</p>}
      <p className="problem" role="alert">
        {problem}
      </p>
      <div className="buttons">
        <button type="button" onClick={() => void files.download(file)}>
          {texts.textFile.download}
        </button>
      </div>
    </Dialog>
  );
}
