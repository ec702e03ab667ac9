// SPDX-License-Identifier: Apache-2.0
import Testing

/// The real program on real sockets, with a fake provider behind it; one test after the other, for each wants the machine's time.
@Suite(.serialized) struct SystemTests {}
