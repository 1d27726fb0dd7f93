import type { Message } from "@talkwire/client";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { useChat } from "../page/chat_context";
import { MessagePreview } from "./message_preview";

interface Props {
  message: Message;
  onClose: () => void;
}

export default function DeleteDialog({ message, onClose }: Props) {
  const { messages } = useChat();
  const remove = (): void => {
    onClose();
    messages.delete(message);
  };
  return (
    <Dialog title={texts.deleteTitle} onClose={onClose}>
      <MessagePreview message={message} />
      <p className="after-preview">{texts.deleteHint}</p>
      <div className="buttons">
        <button type="button" onClick={onClose}>
          {texts.cancel}
        </button>
        <button type="button" className="destructive" onClick={remove}>
          {texts.delete}
        </button>
      </div>
    </Dialog>
  );
}
