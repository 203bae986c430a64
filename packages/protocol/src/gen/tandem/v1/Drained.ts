// Original file: proto/tandem/v1/worker.proto


export interface Drained {
}

export interface Drained__Output {
}
