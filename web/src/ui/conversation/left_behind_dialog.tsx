import { useState } from "react";
import type { LeftBehind } from "../../chat/page_core";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { useChat } from "../page/chat_context";
import { copyText } from "../page/clipboard";

/** What the reader has written in a conversation that they are no longer in. It is discarded when they close this. */
export default function LeftBehindDialog({ left }: { left: LeftBehind }) {
  const chat = useChat();
  const [isCopied, setCopied] = useState(false);
  const { conversationId, name, texts: written, files } = left;
  const discard = (): void => chat.leftBehind.discard(conversationId);
  const all = written.join("\n\n");
  const copy = async (): Promise<void> => {
    if (await copyText(chat, all)) setCopied(true);
  };
  return (
    <Dialog
      title={texts.leftBehind.title}
      onClose={discard}
      isChanged={!isCopied && all !== ""}
      question={texts.leftBehind.question}
    >
      <p>{texts.leftBehind.means(name)}</p>
      {all !== "" && (
        <label>
          {texts.leftBehind.text}
          <textarea readOnly rows={6} dir="auto" value={all} />
        </label>
      )}
      {files.length > 0 && <p className="hint">{texts.leftBehind.files(files)}</p>}
      <div className="buttons">
        <button type="button" onClick={discard}>
          {texts.discard}
        </button>
        {all !== "" && (
          <button type="button" className="primary" onClick={() => void copy()}>
            {texts.copyText}
          </button>
        )}
      </div>
    </Dialog>
  );
}
