//! RFC 3161 timestamps that are made after the signature: with a flipped bit, or a second one of another time.

use super::{ci, tamper};
use crate::instance::{Log, Recipe, base64};
use muster::trust::sigstore::SigstoreError;
use serde_json::json;
use sigstore_verify::TimestampError as Bad;

fn two() -> Recipe<'static> {
    Recipe { log: Log::Two, stamped: Some(0), ..Recipe::default() }
}

tamper!(
    a_stamp_with_a_flipped_bit,
    ci(),
    two(),
    |bundle, scene| {
        let signature = bundle["messageSignature"]["signature"].as_str().expect("text").to_owned();
        let mut stamp = scene.ours.stamp(
            &sigstore_types::SignatureBytes::from_base64(&signature).expect("bytes").into_bytes(),
            scene.ours.now,
        );
        *stamp.last_mut().expect("bytes") ^= 1;
        bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"] =
            base64(&stamp).into();
    },
    SigstoreError::Timestamp(Bad::Invalid(_))
);

tamper!(
    a_good_stamp_and_one_of_another_time,
    ci(),
    two(),
    |bundle, scene| {
        let signature = bundle["messageSignature"]["signature"].as_str().expect("text").to_owned();
        let signature = sigstore_types::SignatureBytes::from_base64(&signature).expect("bytes").into_bytes();
        let late = json!({"signedTimestamp": base64(&scene.ours.stamp(&signature, scene.ours.now + 1800))});
        let stamps = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
        stamps.as_array_mut().expect("stamps").push(late);
    },
    SigstoreError::Certificate(_)
);
