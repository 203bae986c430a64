// Original file: proto/tandem/v1/common.proto

export const FfnSplit = {
  FFN_SPLIT_UNSPECIFIED: 'FFN_SPLIT_UNSPECIFIED',
  FFN_SPLIT_EP: 'FFN_SPLIT_EP',
  FFN_SPLIT_TP: 'FFN_SPLIT_TP',
} as const;

export type FfnSplit =
  | 'FFN_SPLIT_UNSPECIFIED'
  | 0
  | 'FFN_SPLIT_EP'
  | 1
  | 'FFN_SPLIT_TP'
  | 2

export type FfnSplit__Output = typeof FfnSplit[keyof typeof FfnSplit]
