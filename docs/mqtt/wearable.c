/* An MQTT wearable for an ESP32 (ESP-IDF 5, component mqtt): keeps one message until the gateway has stored it.
   Fill in the four names.  The clock has to be set (SNTP) before the first reading. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "mqtt_client.h"

#define BROKER "mqtt://192.168.1.10"
#define ADDRESS "belt-1"
#define PASSWORD "..."

static esp_mqtt_client_handle_t client;
static char message[256];
static volatile long long waiting = -1; /* the sequence that is not acknowledged yet; keep it in NVS with the message */

static long long now_ms(void) {
    struct timeval t;
    gettimeofday(&t, NULL);
    return (long long)t.tv_sec * 1000 + t.tv_usec / 1000;
}

static void publish(void) { esp_mqtt_client_publish(client, "dev/" ADDRESS "/readings", message, 0, 1, 0); }

static void send_reading(long long seq, int heart_rate) {
    long long at = now_ms();
    snprintf(message, sizeof message,
             "{\"v\":1,\"seq\":%lld,\"at\":%lld,\"readings\":[{\"at\":%lld,\"values\":"
             "{\"heart_rate\":{\"value\":%d,\"unit\":\"/min\"}}}]}",
             seq, at, at, heart_rate);
    waiting = seq;
    publish();
}

static void on_event(void *arg, esp_event_base_t base, int32_t id, void *data) {
    esp_mqtt_event_handle_t event = data;
    if (id == MQTT_EVENT_CONNECTED) {
        esp_mqtt_client_subscribe(client, "cmd/" ADDRESS "/ack", 0);
        esp_mqtt_client_publish(client, "dev/" ADDRESS "/status", "online", 0, 1, 1);
        if (waiting >= 0) publish();
    } else if (id == MQTT_EVENT_DATA) {
        char answer[128] = {0};
        memcpy(answer, event->data, event->data_len < 127 ? event->data_len : 127);
        char *ack = strstr(answer, "\"ack\":");
        if (ack && atoll(ack + 6) == waiting) waiting = -1;
    }
}

int read_heart_rate(void); /* your sensor */

void app_main(void) {
    /* Wi-Fi and SNTP come first: see the examples of ESP-IDF. */
    esp_mqtt_client_config_t config = {
        .broker.address.uri = BROKER,
        .credentials.username = ADDRESS,
        .credentials.client_id = ADDRESS,
        .credentials.authentication.password = PASSWORD,
        .session.last_will.topic = "dev/" ADDRESS "/status",
        .session.last_will.msg = "offline",
        .session.last_will.qos = 1,
        .session.last_will.retain = true,
    };
    client = esp_mqtt_client_init(&config);
    esp_mqtt_client_register_event(client, ESP_EVENT_ANY_ID, on_event, NULL);
    esp_mqtt_client_start(client);
    for (long long seq = 0;; seq++) {
        send_reading(seq, read_heart_rate());
        for (int half_minute = 0; waiting >= 0; half_minute++) {
            vTaskDelay(pdMS_TO_TICKS(1000));
            if (half_minute % 30 == 29) publish();
        }
    }
}
