// Original file: proto/tandem/v1/worker.proto


export interface DrainRequested {
}

export interface DrainRequested__Output {
}
