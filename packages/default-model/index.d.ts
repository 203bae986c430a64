/** Absolute path of the shipped GGUF file. */
export declare const defaultModelPath: string
