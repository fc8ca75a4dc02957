// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One word: revenue in 128 bits, trailing revenue in 96, epoch in 32. Read and written at once, because every
/// payment does both.
type Bucket is uint256;

using BucketLibrary for Bucket global;

/// @notice A bucket of `epoch`. `trailing` is as of `epoch`, what was settled in it included.
function toBucket(uint128 revenue, uint96 trailing, uint32 epoch) pure returns (Bucket) {
    return Bucket.wrap(uint256(revenue) << 128 | uint256(trailing) << 32 | epoch);
}

/// @title What a bucket holds
/// @dev Every cast below cuts a field out of the word.
library BucketLibrary {
    function revenue(Bucket bucket) internal pure returns (uint128) {
        return uint128(Bucket.unwrap(bucket) >> 128);
    }

    function trailing(Bucket bucket) internal pure returns (uint96) {
        return uint96(Bucket.unwrap(bucket) >> 32);
    }

    function epoch(Bucket bucket) internal pure returns (uint32) {
        return uint32(Bucket.unwrap(bucket));
    }
}
