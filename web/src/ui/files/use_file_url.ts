import { useRef, useState } from "react";
import { useChat } from "../chat_context";

interface FileUrl {
  readonly address: string;
  /** Whether it cannot be loaded, even with a new token. */
  readonly isMissing: boolean;
  /** To be called when loading has failed. */
  readonly failed: () => void;
}

/** Returns the URL of a file. After a failure it tries once more with a new token. */
export function useFileUrl(path: string): FileUrl {
  const { files } = useChat();
  const [address, setAddress] = useState(() => files.addressOf(path));
  const [isMissing, setMissing] = useState(false);
  const tries = useRef(0);
  const again = async (): Promise<void> => {
    const renewed = await files.renewedAddressOf(path).catch(() => address);
    if (renewed === address) setMissing(true);
    else setAddress(renewed);
  };
  const failed = (): void => {
    tries.current += 1;
    if (tries.current > 1) setMissing(true);
    else void again();
  };
  return { address, isMissing, failed };
}
